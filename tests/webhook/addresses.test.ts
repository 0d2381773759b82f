import { describe, expect, test } from "bun:test";
import { publicAddressRule } from "../../src/webhook/addresses.ts";
import { WebhookTargets } from "../../src/webhook/targets.ts";

const REFUSED: readonly (readonly [address: string, why: RegExp])[] = [
  ["0.0.0.0", /this network/],
  ["10.0.0.1", /private/],
  ["100.64.0.1", /carrier/],
  ["100.100.100.200", /carrier/],
  ["127.0.0.1", /loopback/],
  ["127.255.255.254", /loopback/],
  ["168.63.129.16", /metadata/],
  ["169.254.169.254", /metadata/],
  ["172.16.0.1", /private/],
  ["172.31.255.255", /private/],
  ["192.0.0.192", /reserved/],
  ["192.168.1.1", /private/],
  ["198.19.0.1", /benchmarking/],
  ["203.0.113.7", /documentation/],
  ["224.0.0.1", /multicast/],
  ["255.255.255.255", /broadcast/],
  ["::", /not global/],
  ["::1", /not global/],
  ["::ffff:127.0.0.1", /IPv4/],
  ["::ffff:8.8.8.8", /IPv4/],
  ["0:0:0:0:0:ffff:a00:1", /IPv4/],
  ["::8.8.8.8", /not global/],
  ["64:ff9b::a9fe:a9fe", /not global/],
  ["fc00::1", /not global/],
  ["fd00:ec2::254", /not global/],
  ["fe80::1", /not global/],
  ["fec0::1", /not global/],
  ["ff02::1", /not global/],
  ["100::1", /not global/],
  ["2001::1", /Teredo/],
  ["2001:db8::1", /documentation/],
  ["2002:a9fe:a9fe::1", /6to4/],
  ["3fff::1", /documentation/],
  ["example.com", /no IP/],
  ["", /no IP/],
];

describe("publicAddressRule(), refuses", () => {
  const rule = publicAddressRule();
  test.each(REFUSED)("%s", (address, why) => {
    expect(rule(address)).toMatch(why);
  });
});

test("publicAddressRule(), lets public addresses through", () => {
  const rule = publicAddressRule();
  for (const address of [
    "8.8.8.8",
    "1.1.1.1",
    "172.32.0.1",
    "100.128.0.1",
    "192.169.0.1",
    "2606:4700::1111",
    "2a00:1450:4001::1",
  ])
    expect([address, rule(address)]).toEqual([address, undefined]);
});

const PUBLIC = { address: "93.184.216.34", family: 4 } as const;

describe("WebhookTargets.check(), refuses", () => {
  const cases: readonly (readonly [url: string, reason: RegExp])[] = [
    ["http://example.com/hook", /not https/],
    ["ftp://example.com/hook", /ftp:/],
    ["https://user:secret@example.com/", /user name or password/],
    ["https://localhost/", /this network/],
    ["https://db.localhost./", /this network/],
    ["https://printer.local/", /this network/],
    ["https://metadata.google.internal/", /this network/],
    ["https://127.0.0.1:8443/", /loopback/],
    ["https://0x7f.1/", /loopback/],
    ["https://2130706433/", /loopback/],
    ["https://017700000001/", /loopback/],
    ["https://[::1]/", /not global/],
    ["https://[::ffff:169.254.169.254]/", /IPv4/],
    ["https://169.254.169.254/latest/meta-data/", /metadata/],
    ["no url", /no URL/],
  ];
  test.each(cases)("%s", async (url, reason) => {
    const targets = new WebhookTargets({ allowPrivate: false, resolve: async () => [PUBLIC] });
    const checked = await targets.check(url);
    expect(checked).toMatchObject({ kind: "refused", reason: expect.stringMatching(reason) });
  });
});

test("WebhookTargets.check(), a name with one private address among public ones is refused", async () => {
  const resolve = async () => [PUBLIC, { address: "10.0.0.5", family: 4 } as const];
  const checked = await new WebhookTargets({ allowPrivate: false, resolve }).check(
    "https://example.com/hook",
  );
  expect(checked).toEqual({
    kind: "refused",
    reason: "example.com is at 10.0.0.5, which is not a public address (private)",
  });
});

test("WebhookTargets.check(), answers the addresses that were checked", async () => {
  const targets = new WebhookTargets({ allowPrivate: false, resolve: async () => [PUBLIC] });
  expect(await targets.check("https://example.com/hook")).toMatchObject({ kind: "ok", addresses: [PUBLIC] });
  expect(await targets.check("https://8.8.8.8/")).toMatchObject({
    kind: "ok",
    addresses: [{ address: "8.8.8.8", family: 4 }],
  });
});

test("WebhookTargets.check(), private targets and http pass where they are allowed, other schemes do not", async () => {
  const targets = new WebhookTargets({ allowPrivate: true, resolve: async () => [] });
  expect((await targets.check("http://127.0.0.1:9000/hook")).kind).toBe("ok");
  expect((await targets.check("http://[::1]:9000/hook")).kind).toBe("ok");
  expect((await targets.check("file:///etc/passwd")).kind).toBe("refused");
  expect(await targets.check("http://nowhere.test/")).toEqual({
    kind: "unresolved",
    reason: "nowhere.test has no address",
  });
});

test("WebhookTargets.check(), a resolver that fails is not a refusal", async () => {
  const resolve = () => Promise.reject(new Error("SERVFAIL"));
  const checked = await new WebhookTargets({ allowPrivate: false, resolve }).check("https://example.com/");
  expect(checked).toEqual({ kind: "unresolved", reason: "example.com could not be resolved: SERVFAIL" });
});
