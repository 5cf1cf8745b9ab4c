// A payment in SOL and one in an SPL token by @solana/kit, confirmed through its websocket; prints what it saw as JSON.
// Usage: node kit.mjs RPC_URL WEBSOCKET_URL MINT RECIPIENT VERSION
import {
  address, airdropFactory, appendTransactionMessageInstructions, assertIsTransactionWithBlockhashLifetime, createSolanaRpc,
  createSolanaRpcSubscriptions, createTransactionMessage, generateKeyPairSigner, getSignatureFromTransaction, lamports, pipe,
  sendAndConfirmTransactionFactory, setTransactionMessageFeePayerSigner, setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
} from "@solana/kit";
import { getTransferSolInstruction } from "@solana-program/system";
import {
  TOKEN_PROGRAM_ADDRESS, fetchToken, findAssociatedTokenPda, getCreateAssociatedTokenIdempotentInstructionAsync, getTransferCheckedInstruction,
} from "@solana-program/token";

const [url, websocketUrl, mintText, recipientText, version] = process.argv.slice(2);
const rpc = createSolanaRpc(url);
const rpcSubscriptions = createSolanaRpcSubscriptions(websocketUrl);
const sendAndConfirm = sendAndConfirmTransactionFactory({ rpc, rpcSubscriptions });
const mint = address(mintText);
const recipient = address(recipientText);
const payer = await generateKeyPairSigner();

async function send(instructions) {
  const { value: blockhash } = await rpc.getLatestBlockhash({ commitment: "confirmed" }).send();
  const message = pipe(
    createTransactionMessage({ version: version === "legacy" ? "legacy" : Number(version) }),
    (m) => setTransactionMessageFeePayerSigner(payer, m),
    (m) => setTransactionMessageLifetimeUsingBlockhash(blockhash, m),
    (m) => appendTransactionMessageInstructions(instructions, m),
  );
  const signed = await signTransactionMessageWithSigners(message);
  assertIsTransactionWithBlockhashLifetime(signed);
  await sendAndConfirm(signed, { commitment: "confirmed" });
  return getSignatureFromTransaction(signed);
}

await airdropFactory({ rpc, rpcSubscriptions })({
  commitment: "confirmed", lamports: lamports(2_000_000_000n), recipientAddress: payer.address,
});
// The test gives this payer tokens as soon as it has read the address.
console.log(JSON.stringify({ payer: payer.address }));
const [source] = await findAssociatedTokenPda({ mint, owner: payer.address, tokenProgram: TOKEN_PROGRAM_ADDRESS });
for (;;) {
  const { value } = await rpc.getAccountInfo(source, { commitment: "confirmed", encoding: "base64" }).send();
  if (value) break;
  await new Promise((resolve) => setTimeout(resolve, 50));
}
const [destination] = await findAssociatedTokenPda({ mint, owner: recipient, tokenProgram: TOKEN_PROGRAM_ADDRESS });
const sol = await send([getTransferSolInstruction({ source: payer, destination: recipient, amount: 250_000_000n })]);
const token = await send([
  await getCreateAssociatedTokenIdempotentInstructionAsync({ payer, mint, owner: recipient }),
  getTransferCheckedInstruction({ source, mint, destination, authority: payer, amount: 1_500_000n, decimals: 6 }),
]);
const seen = await rpc.getTransaction(token, {
  commitment: "confirmed", encoding: "jsonParsed", maxSupportedTransactionVersion: version === "1" ? 1 : 0,
}).send();
const state = await fetchToken(rpc, destination, { commitment: "confirmed" });
const block = await rpc.getBlock(seen.slot, {
  commitment: "confirmed", transactionDetails: "signatures", rewards: false, maxSupportedTransactionVersion: 0,
}).send();
const accounts = await rpc.getProgramAccounts(TOKEN_PROGRAM_ADDRESS, {
  commitment: "confirmed", encoding: "base64", filters: [{ dataSize: 165n }, { memcmp: { offset: 32n, bytes: recipient, encoding: "base58" } }],
}).send();
const text = (_, value) => (typeof value === "bigint" ? value.toString() : value);
console.log(JSON.stringify({ sol, token, version: seen.version, slot: seen.slot, meta: seen.meta, received: state.data.amount, block: block.signatures, accounts: accounts.map((each) => each.pubkey), destination }, text));
