# SPDX-License-Identifier: Apache-2.0
"""A chain that is executed by py-evm: real blocks, receipts, bloom filters and hashes, on as many branches as there are."""

import pathlib
import random

from eth.chains.base import MiningChain
from eth.db.atomic import AtomicDB
from eth.vm.forks.paris import ParisVM
from eth_keys import keys
from eth_utils import function_signature_to_4byte_selector as selector
from eth_utils import to_canonical_address
import vyper

GAS_LIMIT = 1_000_000_000
GAS_PRICE = 10**10
ACCOUNTS = 64


class TestChain(MiningChain):
    vm_configuration = ((0, ParisVM),)
    chain_id = 1337


def word(number):
    return number.to_bytes(32, "big")


class Chain:
    """Blocks by hash, and the hashes of the present branch."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.keys = [keys.PrivateKey(word(number + 1)) for number in range(ACCOUNTS)]
        balance = {"balance": 10**30, "nonce": 0, "code": b"", "storage": {}}
        self.chain = TestChain.from_genesis(
            AtomicDB(),
            genesis_params={
                "difficulty": 0,
                "gas_limit": GAS_LIMIT,
                "nonce": bytes(8),
                "timestamp": 1_700_000_000,
                "base_fee_per_gas": 1_000_000_000,
            },
            genesis_state={key.public_key.to_canonical_address(): balance for key in self.keys},
        )
        genesis = self.chain.get_canonical_block_header_by_number(0)
        self.blocks = {}
        self.branch = []
        self.final = 0
        # Branches as they were, newest last: what nodes know that are behind.
        self.history = []
        self._add(genesis, [], [], {})
        self._show([genesis.hash])
        code = vyper.compile_code(
            (pathlib.Path(__file__).parent / "Fund.vy").read_text(),
            output_formats=["bytecode"],
            settings=vyper.compiler.settings.Settings(evm_version="paris"),
        )["bytecode"]
        self.code = bytes.fromhex(code[2:])
        self.contract, self.decoy = (self._deploy(), self._deploy())
        self.counter = 0

    # Making

    def _show(self, branch):
        self.branch = branch
        self.history.append((list(branch), self.final))
        del self.history[:-40]

    def _add(self, header, transactions, receipts, nonces):
        logs = []
        for index, (transaction, receipt) in enumerate(zip(transactions, receipts)):
            for log in receipt.logs:
                logs.append(
                    {
                        "address": "0x" + log.address.hex(),
                        "topics": ["0x" + word(topic).hex() for topic in log.topics],
                        "data": "0x" + log.data.hex(),
                        "blockNumber": hex(header.block_number),
                        "blockHash": "0x" + header.hash.hex(),
                        "transactionHash": "0x" + transaction.hash.hex(),
                        "transactionIndex": hex(index),
                        "logIndex": hex(len(logs)),
                        "removed": False,
                    }
                )
        self.blocks[header.hash] = {
            "header": header,
            "transactions": transactions,
            "logs": logs,
            "nonces": nonces,
            "json": {
                "number": hex(header.block_number),
                "hash": "0x" + header.hash.hex(),
                "parentHash": "0x" + header.parent_hash.hex(),
                "logsBloom": "0x" + header.bloom.to_bytes(256, "big").hex(),
                "timestamp": hex(header.timestamp),
                "transactions": ["0x" + transaction.hash.hex() for transaction in transactions],
            },
        }

    def _transaction(self, sender, nonce, to, data):
        unsigned = ParisVM.create_unsigned_transaction(
            nonce=nonce, gas_price=GAS_PRICE, gas=3_000_000, to=to, value=0, data=data
        )
        return unsigned.as_signed_transaction(self.keys[sender], chain_id=1337)

    def _extend(self, branch, transactions):
        """Executes a block on the last one of a branch. Transactions whose turn it is not are left out."""
        parent = self.blocks[branch[-1]]
        nonces = dict(parent["nonces"])
        taken = []
        for sender, transaction in transactions:
            if transaction.nonce == nonces.get(sender, 0):
                nonces[sender] = transaction.nonce + 1
                taken.append((sender, transaction))
        signed = [transaction for _, transaction in taken]
        result, receipts, _ = self.chain.mine_all(
            signed,
            parent_header=parent["header"],
            gas_limit=GAS_LIMIT,
            extra_data=self.random.randbytes(8),
        )
        header = result.imported_block.header
        self._add(header, signed, receipts, nonces)
        self.blocks[header.hash]["senders"] = taken
        branch.append(header.hash)

    def _deploy(self):
        branch = list(self.branch)
        nonce = self.blocks[branch[-1]]["nonces"].get(0, 0)
        transaction = self._transaction(0, nonce, b"", self.code)
        self._extend(branch, [(0, transaction)])
        self._show(branch)
        from eth._utils.address import generate_contract_address

        return generate_contract_address(self.keys[0].public_key.to_canonical_address(), nonce)

    def emit(self, blocks, transactions, events, decoys=True):
        """Mines blocks with so many transactions each, each with so many events."""
        for _ in range(blocks):
            branch = list(self.branch)
            nonces = dict(self.blocks[branch[-1]]["nonces"])
            made = []
            for _ in range(transactions):
                self.counter += 1
                sender = self.counter % ACCOUNTS
                nonce = nonces.get(sender, 0)
                nonces[sender] = nonce + 1
                kind = self.random.random() if decoys else 1
                to = self.decoy if kind < 0.1 else self.contract
                if kind > 0.4:
                    data = selector("invest(uint256,uint256)") + word(events) + word(self.counter * 1000)
                elif kind > 0.25:
                    data = selector("redeem(uint256)") + word(self.counter)
                elif kind > 0.15:
                    text = ("№%d ä" % self.counter).encode()
                    padded = text + bytes(-len(text) % 32)
                    data = selector("note(bytes32,string)") + word(self.counter) + word(64) + word(len(text)) + padded
                elif kind > 0.1:
                    data = selector("fail()")
                else:
                    data = selector("invest(uint256,uint256)") + word(1) + word(7)
                made.append((sender, self._transaction(sender, nonce, to, data)))
            self._extend(branch, made)
            self._show(branch)

    def reorganise(self, depth, length, keep):
        """Puts another branch in the place of the newest blocks; their transactions move, or go."""
        depth = min(depth, len(self.branch) - 1 - max(self.final, 2))
        if depth < 1:
            return 0
        gone = [pair for name in self.branch[-depth:] for pair in self.blocks[name].get("senders", [])]
        branch = self.branch[:-depth]
        if not keep:
            gone = [pair for pair in gone if self.random.random() < 0.5]
        # Other senders first: the same transactions at other places.
        order = list(range(ACCOUNTS))
        self.random.shuffle(order)
        gone.sort(key=lambda pair: (order[pair[0]], pair[1].nonce))
        for place in range(length):
            last = place == length - 1
            count = len(gone) if last else self.random.randint(0, len(gone))
            self._extend(branch, gone[:count])
            gone = gone[count:]
        self._show(branch)
        return depth

    def finalize(self, number):
        self.final = max(self.final, min(number, len(self.branch) - 1))
        self._show(list(self.branch))

    def truth(self):
        """All logs of the contract on the present branch."""
        address = "0x" + self.contract.hex()
        return [log for name in self.branch for log in self.blocks[name]["logs"] if log["address"] == address]
