/** What a JUnit report says, in numbers. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Counts test cases by what stands in them. (The sums in the report's own head are not relied on.) */
export function countReport(xml: string): Counts {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  // Text and attribute values carry `<` as `&lt;`, so a tag is found by its characters alone.
  for (const [, selfClosed, body = ""] of xml.matchAll(
    /<testcase\b[^>]*?(?:(\/)>|>([\s\S]*?)<\/testcase>)/g,
  )) {
    if (selfClosed !== undefined) passed++;
    else if (/<(?:failure|error)\b/.test(body)) failed++;
    else if (/<skipped\b/.test(body)) skipped++;
    else passed++;
  }
  return { passed, failed, skipped };
}

/** The files of `expected` of which the report holds no test. */
export function filesWithoutReport(xml: string, expected: readonly string[]): string[] {
  const heard = new Set(Array.from(xml.matchAll(/<testcase\b[^>]*? file="([^"]*)"/g), ([, file]) => file));
  return expected.filter((file) => !heard.has(file)).sort();
}

/** `12 passed, 0 failed`, and `, 3 skipped` when there are any. */
export function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
