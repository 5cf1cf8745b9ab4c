// Shows the chain, a second at a time, and pays links from the sandbox wallet. Everything is put in as text, never as markup.

const $ = (id) => document.getElementById(id);
const LOOK_EVERY_MS = 1000;

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function units(amount, decimals) {
  const negative = amount.startsWith("-");
  const digits = amount.replace("-", "").padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals).replace(/\B(?=(\d{3})+$)/g, " ");
  const fraction = decimals ? digits.slice(-decimals).replace(/0+$/, "") : "";
  return `${negative ? "−" : ""}${whole}${fraction ? "." + fraction : ""}`;
}

function baseUnits(text, decimals) {
  const match = /^(\d+)(?:\.(\d+))?$/.exec(text.trim());
  if (!match || (match[2] || "").length > decimals) return null;
  const value = BigInt(match[1] + (match[2] || "").padEnd(decimals, "0"));
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : null;
}

const short = (key) => `${key.slice(0, 6)}…${key.slice(-6)}`;

function link(to, key, name) {
  const made = element("a", name || short(key));
  made.href = `#${to}/${key}`;
  made.title = key;
  return made;
}

async function ask(path, body) {
  const options = body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(path, options);
  return { ok: answer.ok, body: await answer.json() };
}

async function rpc(method, ...params) {
  const { body } = await ask("/", { jsonrpc: "2.0", id: 1, method, params });
  if (body.error) throw new Error(body.error.message);
  return body.result;
}

function transactionLine(line) {
  const item = element("li");
  item.append(link("transaction", line.signature));
  const sure = line.error ? "failed" : line.commitment;
  item.append(element("span", sure, `sure ${sure}`));
  const moves = element("span", undefined, "moves");
  for (const move of line.moves) {
    const row = element("span");
    row.append(link("account", move.owner, move.name), element("b", `${units(move.amount, move.decimals)} ${move.symbol}`));
    moves.append(row);
  }
  item.append(moves);
  if (line.memo) item.append(element("span", line.memo, "quiet small"));
  return item;
}

function accountLine(account) {
  const item = element("li");
  item.append(link("account", account.address, account.name));
  item.append(element("span", account.balances.map((b) => `${units(b.amount, b.decimals)} ${b.symbol}`).join(" · ")));
  return item;
}

// What is the same stays in place, so that the keyboard's focus and a selection survive.
const shown = {};
function fill(id, items, make) {
  const now = JSON.stringify(items);
  if (shown[id] === now) return;
  shown[id] = now;
  $(id).replaceChildren(...items.map(make));
}

async function refresh() {
  try {
    const { body } = await ask("/state.json");
    $("slot").textContent = body.slot;
    $("final").textContent = body.final;
    $("address").textContent = body.wallet;
    $("genesis").textContent = body.genesis;
    const own = body.accounts.find((account) => account.address === body.wallet);
    fill("balances", own.balances, (b) => {
      const item = element("li", units(b.amount, b.decimals) + " ");
      item.append(element("span", b.symbol));
      return item;
    });
    fill("transactions", body.transactions, transactionLine);
    fill("accounts", body.accounts, accountLine);
    $("none").hidden = body.transactions.length > 0;
    $("trouble").hidden = true;
  } catch {
    $("trouble").textContent = "The chain does not answer. Start it again; this page goes on by itself.";
    $("trouble").hidden = false;
  }
  setTimeout(refresh, LOOK_EVERY_MS);
}

// The wallet

let quoted = null;
let asked = 0;

async function quote() {
  const text = $("link").value.trim();
  const mine = ++asked;
  quoted = null;
  $("pay").disabled = true;
  $("paid").textContent = "";
  $("link-error").textContent = "";
  $("quote").hidden = true;
  if (!text) {
    $("open-amount").hidden = true;
    return;
  }
  let amount;
  if (!$("open-amount").hidden && $("amount").value.trim()) {
    amount = baseUnits($("amount").value, Number($("amount").dataset.decimals || 9));
    if (amount === null) {
      $("link-error").textContent = "Amount: write a plain number such as 0.5.";
      return;
    }
  }
  const { ok, body } = await ask("/wallet/quote", { link: text, amount });
  if (mine !== asked) return;
  if (!ok) {
    if (body.field === "amount" && body.problem.startsWith("is left to you")) $("open-amount").hidden = false;
    $("link-error").textContent = body.field ? `${body.field} ${body.problem}.` : body.problem;
    return;
  }
  quoted = { link: text, amount };
  $("sum").textContent = `${units(body.amount, body.decimals)} ${body.symbol}`;
  const terms = [["to", body.recipient], ["for", body.label], ["message", body.message], ["memo", body.memo]];
  terms.push(["reference", body.references.join(", ") || null]);
  if (body.makes_account) terms.push(["also", "opens their account for this token, about 0.002 SOL"]);
  $("terms").replaceChildren(...terms.filter(([, value]) => value).flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
  $("quote").hidden = false;
  $("pay").disabled = false;
}

$("link").addEventListener("input", () => {
  $("open-amount").hidden = true;
  $("amount").value = "";
  quote();
});
$("amount").addEventListener("input", quote);
$("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!quoted) return;
  $("pay").disabled = true;
  $("pay").textContent = "Paying";
  const { ok, body } = await ask("/wallet/pay", quoted);
  $("pay").textContent = "Pay with play money";
  if (ok) {
    $("paid").replaceChildren("Paid. ", link("transaction", body.signature));
    $("quote").hidden = true;
    $("link").value = "";
    quoted = null;
  } else {
    $("link-error").textContent = body.field ? `${body.field} ${body.problem}.` : body.problem;
    $("pay").disabled = false;
  }
});
$("fill").addEventListener("click", () => ask("/wallet/fill-up", {}));
$("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText($("address").textContent);
  $("copy").textContent = "Copied";
});

// One transaction or account, by the address's fragment

async function detail() {
  const [kind, key] = location.hash.slice(1).split("/");
  $("detail").hidden = !key;
  if (!key) return;
  $("detail-body").replaceChildren(element("p", "Looking ...", "quiet"));
  $("detail-title").textContent = kind === "account" ? "Account" : "Transaction";
  try {
    $("detail-body").replaceChildren(...(kind === "account" ? await account(key) : await transaction(key)));
  } catch (error) {
    $("detail-body").replaceChildren(element("p", error.message, "error"));
  }
}

function facts(pairs) {
  const list = element("dl");
  for (const [name, value] of pairs) list.append(element("dt", name), element("dd", String(value)));
  return list;
}

async function transaction(signature) {
  const found = await rpc("getTransaction", signature, { encoding: "jsonParsed", commitment: "confirmed", maxSupportedTransactionVersion: 1 });
  if (!found) return [element("p", "The chain knows no such confirmed transaction. A new one takes a moment; one that was rolled back never comes.")];
  const when = new Date(found.blockTime * 1000).toLocaleString();
  const list = facts([["signature", signature], ["slot", found.slot], ["time", when], ["version", found.version], ["fee", `${units(String(found.meta.fee), 9)} SOL`], ["outcome", found.meta.err ? JSON.stringify(found.meta.err) : "succeeded"]]);
  const parts = [list, element("h3", "Instructions")];
  for (const instruction of found.transaction.message.instructions) parts.push(element("pre", JSON.stringify(instruction.parsed ?? instruction, null, 2)));
  return [...parts, element("h3", "Log"), element("pre", found.meta.logMessages.join("\n"))];
}

async function account(address) {
  const { value } = await rpc("getAccountInfo", address, { encoding: "jsonParsed", commitment: "processed" });
  const history = await rpc("getSignaturesForAddress", address, { limit: 20, commitment: "confirmed" });
  const list = facts(value ? [["address", address], ["SOL", units(String(value.lamports), 9)], ["owner", value.owner], ["bytes", value.space]] : [["address", address], ["SOL", 0]]);
  const lines = element("ol");
  for (const line of history) {
    const item = element("li");
    item.append(link("transaction", line.signature), ` slot ${line.slot}${line.err ? ", failed" : ""}`);
    lines.append(item);
  }
  return [list, element("h3", "Latest transactions"), history.length ? lines : element("p", "None yet.", "quiet")];
}

// Signing a message

$("message").addEventListener("input", () => {
  $("sign").disabled = !$("message").value;
  $("message-error").textContent = "";
  $("signed").replaceChildren();
});
$("sign-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { ok, body } = await ask("/wallet/sign", { message: $("message").value });
  if (!ok) {
    $("message-error").textContent = body.field ? `The ${body.field} ${body.problem}.` : body.problem;
    return;
  }
  const copy = element("button", "Copy the signature", "quiet-button");
  copy.type = "button";
  copy.addEventListener("click", () => navigator.clipboard?.writeText(body.signature));
  const signature = element("code", body.signature);
  signature.id = "signature";
  const words = element("p");
  words.append(signature);
  $("signed").replaceChildren(element("p", "Signed. Paste this where it is asked for:"), words, copy);
});

addEventListener("hashchange", detail);
const toSign = new URLSearchParams(location.search).get("message");
if (toSign) {
  $("message").value = toSign;
  $("sign").disabled = false;
  $("sign-form").scrollIntoView();
}
const given = new URLSearchParams(location.search).get("link");
if (given) {
  $("link").value = given;
  quote();
}
detail();
refresh();
