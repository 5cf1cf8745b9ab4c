// Has the wallet of this browser sign the message, where there is one. Without it, a pasted signature serves.
(() => {
  const form = document.querySelector("[data-signs]");
  if (!form) return;
  const offer = form.querySelector("[data-wallet]");
  const trouble = form.querySelector("[data-wallet-trouble]");
  const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

  const base58 = (bytes) => {
    let number = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
    let text = "";
    for (; number > 0n; number /= 58n) text = ALPHABET[Number(number % 58n)] + text;
    const zeros = bytes.findIndex((byte) => byte !== 0);
    return "1".repeat(zeros < 0 ? bytes.length : zeros) + text;
  };

  const complain = (words) => {
    trouble.textContent = words;
    trouble.hidden = false;
  };

  const sign = async (wallet) => {
    trouble.hidden = true;
    try {
      const { publicKey } = await wallet.connect();
      if (publicKey.toString() !== form.dataset.address) {
        complain(`The wallet is on the address ${publicKey}. Switch it to the one above, or name that one.`);
        return;
      }
      const message = new TextEncoder().encode(document.getElementById(form.dataset.signs).textContent);
      const { signature } = await wallet.signMessage(message, "utf8");
      form.querySelector("[name=signature]").value = base58([...signature]);
      form.requestSubmit();
    } catch (error) {
      complain(`The wallet did not sign: ${error.message || error}`);
    }
  };

  // Wallets put themselves into the page, some of them a moment after it has loaded.
  const look = () => {
    const wallet = window.phantom?.solana || window.solana;
    if (!wallet?.signMessage || !offer.hidden) return;
    offer.hidden = false;
    offer.querySelector("button").addEventListener("click", () => sign(wallet));
  };
  look();
  window.addEventListener("load", look);
})();
