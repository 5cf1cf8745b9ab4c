// What @solana/pay reads in a payment link. Usage: node parse_link.mjs LINK; prints JSON, `error` where it is refused.
import { parseURL } from "@solana/pay";

const text = (_, value) => (typeof value === "bigint" ? value.toString() : value);
try {
  const read = parseURL(process.argv[2]);
  console.log(JSON.stringify({ ...read, link: read.link?.toString(), amount: read.amount?.toString() }, text));
} catch (error) {
  console.log(JSON.stringify({ error: error.message }));
}
