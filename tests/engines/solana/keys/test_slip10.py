"""Derivation against the vectors that SLIP-0010 publishes for ed25519."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.keypair import Keypair

from mutoscope.engines.solana.keys import WALLET_INDEX_MAX, Secret, derive, wallet_path

SEEDS = {
    1: "000102030405060708090a0b0c0d0e0f",
    2: "fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542",
}
# Vector, path, chain code, private key, public key. Source: SLIP-0010, test vectors 1 and 2 for ed25519.
VECTORS = [
    (
        1,
        "m",
        "90046a93de5380a72b5e45010748567d5ea02bbf6522f979e05c0d8d8ca9fffb",
        "2b4be7f19ee27bbf30c667b642d5f4aa69fd169872f8fc3059c08ebae2eb19e7",
        "a4b2856bfec510abab89753fac1ac0e1112364e7d250545963f135f2a33188ed",
    ),
    (
        1,
        "m/0'",
        "8b59aa11380b624e81507a27fedda59fea6d0b779a778918a2fd3590e16e9c69",
        "68e0fe46dfb67e368c75379acec591dad19df3cde26e63b93a8e704f1dade7a3",
        "8c8a13df77a28f3445213a0f432fde644acaa215fc72dcdf300d5efaa85d350c",
    ),
    (
        1,
        "m/0'/1'",
        "a320425f77d1b5c2505a6b1b27382b37368ee640e3557c315416801243552f14",
        "b1d0bad404bf35da785a64ca1ac54b2617211d2777696fbffaf208f746ae84f2",
        "1932a5270f335bed617d5b935c80aedb1a35bd9fc1e31acafd5372c30f5c1187",
    ),
    (
        1,
        "m/0'/1'/2'",
        "2e69929e00b5ab250f49c3fb1c12f252de4fed2c1db88387094a0f8c4c9ccd6c",
        "92a5b23c0b8a99e37d07df3fb9966917f5d06e02ddbd909c7e184371463e9fc9",
        "ae98736566d30ed0e9d2f4486a64bc95740d89c7db33f52121f8ea8f76ff0fc1",
    ),
    (
        1,
        "m/0'/1'/2'/2'",
        "8f6d87f93d750e0efccda017d662a1b31a266e4a6f5993b15f5c1f07f74dd5cc",
        "30d1dc7e5fc04c31219ab25a27ae00b50f6fd66622f6e9c913253d6511d1e662",
        "8abae2d66361c879b900d204ad2cc4984fa2aa344dd7ddc46007329ac76c429c",
    ),
    (
        1,
        "m/0'/1'/2'/2'/1000000000'",
        "68789923a0cac2cd5a29172a475fe9e0fb14cd6adb5ad98a3fa70333e7afa230",
        "8f94d394a8e8fd6b1bc2f3f49f5c47e385281d5c17e65324b0f62483e37e8793",
        "3c24da049451555d51a7014a37337aa4e12d41e485abccfa46b47dfb2af54b7a",
    ),
    (
        2,
        "m",
        "ef70a74db9c3a5af931b5fe73ed8e1a53464133654fd55e7a66f8570b8e33c3b",
        "171cb88b1b3c1db25add599712e36245d75bc65a1a5c9e18d76f9f2b1eab4012",
        "8fe9693f8fa62a4305a140b9764c5ee01e455963744fe18204b4fb948249308a",
    ),
    (
        2,
        "m/0'",
        "0b78a3226f915c082bf118f83618a618ab6dec793752624cbeb622acb562862d",
        "1559eb2bbec5790b0c65d8693e4d0875b1747f4970ae8b650486ed7470845635",
        "86fab68dcb57aa196c77c5f264f215a112c22a912c10d123b0d03c3c28ef1037",
    ),
    (
        2,
        "m/0'/2147483647'",
        "138f0b2551bcafeca6ff2aa88ba8ed0ed8de070841f0c4ef0165df8181eaad7f",
        "ea4f5bfe8694d8bb74b7b59404632fd5968b774ed545e810de9c32a4fb4192f4",
        "5ba3b9ac6e90e83effcd25ac4e58a1365a9e35a3d3ae5eb07b9e4d90bcf7506d",
    ),
]


@pytest.mark.parametrize(("vector", "path", "chain_code", "private", "public"), VECTORS)
def test_the_published_vectors_come_out(vector: int, path: str, chain_code: str, private: str, public: str) -> None:
    node = derive(Secret(bytes.fromhex(SEEDS[vector])), path)
    assert node.chain_code.reveal().hex() == chain_code
    assert node.key.reveal().hex() == private
    assert node.public_key().hex() == public


@given(st.binary(min_size=64, max_size=64), st.integers(0, WALLET_INDEX_MAX))
def test_a_wallet_is_what_another_library_derives(seed: bytes, index: int) -> None:
    ours = derive(Secret(seed), wallet_path(index)).keypair()
    theirs = Keypair.from_seed_and_derivation_path(seed, wallet_path(index))
    assert ours.pubkey() == theirs.pubkey()


@pytest.mark.parametrize(
    "path", ["", "44'", "m/", "m/44", "m/44'/501", "m/-1'", "m/2147483648'", "m/44'/x'", "m/44'//0'", "M/0'", "m/0'\n"]
)
def test_a_path_that_is_not_hardened_throughout_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"path|step"):
        derive(Secret(bytes(32)), path)


@pytest.mark.parametrize("length", [0, 15, 65])
def test_a_seed_of_the_wrong_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="bytes"):
        derive(Secret(bytes(length)), "m/0'")
