import { BlockList, isIP } from "node:net";

/**
 * How far inside an address lies. `forbidden` is what nothing may be read from, no matter who asks: link-local addresses, where
 * clouds hand out credentials, their doubles elsewhere, and what is no host at all.
 */
export type AddressClass = "public" | "private" | "loopback" | "forbidden";

/** From outside to inside. */
const DEPTH: Record<AddressClass, number> = { public: 0, private: 1, loopback: 2, forbidden: 3 };

type Subnet = readonly [network: string, prefix: number];

function blockList(v4: readonly Subnet[], v6: readonly Subnet[]): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of v4) list.addSubnet(network, prefix, "ipv4");
  for (const [network, prefix] of v6) list.addSubnet(network, prefix, "ipv6");
  return list;
}

const LOOPBACK = blockList([["127.0.0.0", 8]], [["::1", 128]]);

// RFC 1918, RFC 6598 (carrier NAT), RFC 2544 (benches), RFC 4193, and the site-local range that RFC 3879 retired.
const PRIVATE = blockList(
  [
    ["10.0.0.0", 8],
    ["172.16.0.0", 12],
    ["192.168.0.0", 16],
    ["100.64.0.0", 10],
    ["198.18.0.0", 15],
  ],
  [
    ["fc00::", 7],
    ["fec0::", 10],
  ],
);

// Before PRIVATE, for two doubles of the metadata address lie there: Alibaba's 100.100.100.200, Amazon's fd00:ec2::254.
const FORBIDDEN = blockList(
  [
    ["0.0.0.0", 8],
    ["169.254.0.0", 16],
    ["100.100.100.200", 32],
    ["168.63.129.16", 32],
    ["192.0.0.0", 24],
    ["224.0.0.0", 4],
    ["240.0.0.0", 4],
  ],
  [
    ["::", 128],
    ["fe80::", 10],
    ["ff00::", 8],
    ["fd00:ec2::", 32],
    // A network's own NAT64 (RFC 8215), and Teredo: which IPv4 address is behind them cannot be told for sure.
    ["64:ff9b:1::", 48],
    ["2001::", 32],
  ],
);

/** Prefixes with an IPv4 address inside, and the byte it begins at: mapped, compatible, NAT64 (RFC 6052), 6to4. */
const EMBEDDED: readonly (readonly [BlockList, number])[] = [
  [blockList([], [["::ffff:0:0", 96]]), 12],
  [blockList([], [["::ffff:0:0:0", 96]]), 12],
  [blockList([], [["::", 96]]), 12],
  [blockList([], [["64:ff9b::", 96]]), 12],
  [blockList([], [["2002::", 16]]), 2],
];

/** The 8 groups of an IPv6 address as the URL parser normalises it. */
function groups(address: string): number[] {
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = [], tail] = text.split("::").map((part) => (part === "" ? [] : part.split(":")));
  const zeros = tail === undefined ? [] : Array<string>(8 - head.length - tail.length).fill("0");
  return [...head, ...zeros, ...(tail ?? [])].map((group) => Number.parseInt(group, 16));
}

function embeddedIPv4(address: string): string | null {
  for (const [prefix, at] of EMBEDDED) {
    if (!prefix.check(address, "ipv6")) continue;
    const [high = 0, low = 0] = groups(address).slice(at / 2, at / 2 + 2);
    return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  }
  return null;
}

/** The class of an IP address in plain notation; a zone ("%eth0") is ignored. What is no IP address is `forbidden`. */
export function classifyAddress(text: string): AddressClass {
  const address = text.split("%")[0]!;
  const version = isIP(address);
  if (version === 0) return "forbidden";
  const family = version === 4 ? "ipv4" : "ipv6";
  if (LOOPBACK.check(address, family)) return "loopback";
  if (FORBIDDEN.check(address, family)) return "forbidden";
  const inside = version === 6 ? embeddedIPv4(address) : null;
  if (inside !== null) return classifyAddress(inside);
  return PRIVATE.check(address, family) ? "private" : "public";
}

/**
 * The class of a URL's host where it can be told without asking anybody: literal addresses, `localhost` (RFC 6761) and the
 * names of metadata services; null for names that have to be resolved.
 */
export function classifyHost(hostname: string, classify = classifyAddress): AddressClass | null {
  const bare = hostname.replace(/^\[|\]$/g, "");
  if (isIP(bare) !== 0) return classify(bare);
  const name = bare.toLowerCase().replace(/\.$/, "");
  if (name === "localhost" || name.endsWith(".localhost")) return "loopback";
  return name === "metadata" || name === "metadata.google.internal" ? "forbidden" : null;
}

/** Whether one may go from an address of the one class to one of the other: outward or across, never further inside (CWE-918). */
export function mayLead(from: AddressClass, to: AddressClass): boolean {
  return to !== "forbidden" && DEPTH[to] <= DEPTH[from];
}

/** The class furthest outside of those that some addresses have. */
export function outermost(classes: readonly AddressClass[]): AddressClass {
  return classes.reduce((a, b) => (DEPTH[b] < DEPTH[a] ? b : a), "forbidden");
}
