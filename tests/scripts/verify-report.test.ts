import { expect, test } from "bun:test";
import { closingLine, countReport, filesWithoutReport } from "../../scripts/verify-report.ts";

/** As Bun writes it: one of each outcome, nested suites, escaped names. */
const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="5" assertions="3" failures="2" skipped="2" time="0.03">
  <testsuite name="tests/c.test.ts" file="tests/c.test.ts" tests="2" failures="1" skipped="0">
    <testcase name="a/b &gt; c" classname="" time="0.1" file="tests/c.test.ts" line="2" assertions="1" />
    <testcase name="&lt;failure&gt;" classname="" time="0.1" file="tests/c.test.ts" line="3" assertions="0">
      <failure type="Error" message="between">Error: between&#10;</failure>
    </testcase>
  </testsuite>
  <testsuite name="tests/a.test.ts" file="tests/a.test.ts" tests="4" failures="1" skipped="2">
    <testsuite name="group" file="tests/a.test.ts" line="2">
      <testcase name="skipped" classname="group" time="0" file="tests/a.test.ts" line="2" assertions="0">
        <skipped />
      </testcase>
      <testcase name="later" classname="group" time="0" file="tests/a.test.ts" line="2" assertions="0">
        <skipped message="later" />
      </testcase>
      <testcase name="too slow" classname="group" time="5" file="tests/a.test.ts" line="9" assertions="0">
        <failure type="TimeoutError" />
      </testcase>
    </testsuite>
  </testsuite>
</testsuites>`;

test("countReport(), counts each test case once by its outcome", () => {
  expect(countReport(REPORT)).toEqual({ passed: 1, failed: 2, skipped: 2 });
});

test("countReport(), finds nothing in an empty or cut report", () => {
  expect(countReport("")).toEqual({ passed: 0, failed: 0, skipped: 0 });
  expect(countReport('<testsuites tests="0"></testsuites>')).toEqual({ passed: 0, failed: 0, skipped: 0 });
});

test("filesWithoutReport(), names the files of which no test was run", () => {
  const files = ["tests/z.test.ts", "tests/a.test.ts", "tests/c.test.ts", "tests/b.test.ts"];
  expect(filesWithoutReport(REPORT, files)).toEqual(["tests/b.test.ts", "tests/z.test.ts"]);
});

test("closingLine(), names skipped tests only when there are any", () => {
  expect(closingLine({ passed: 12, failed: 0, skipped: 0 })).toBe("12 passed, 0 failed");
  expect(closingLine({ passed: 12, failed: 1, skipped: 3 })).toBe("12 passed, 1 failed, 3 skipped");
});
