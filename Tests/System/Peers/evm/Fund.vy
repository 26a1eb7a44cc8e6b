# SPDX-License-Identifier: Apache-2.0
# pragma version 0.4.3

# The events of a fund token, for tests.

event Investment:
    investor: indexed(address)
    amount: uint256
    shares: uint256

event Redemption:
    investor: indexed(address)
    shares: uint256
    amount: uint256

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    value: uint256

event Notice:
    reference: indexed(bytes32)
    author: address
    text: String[128]


@external
def invest(count: uint256, first: uint256):
    for i: uint256 in range(count, bound=256):
        log Investment(investor=msg.sender, amount=first + i, shares=(first + i) * 10 ** 18)


@external
def redeem(shares: uint256):
    log Transfer(sender=msg.sender, receiver=empty(address), value=shares)
    log Redemption(investor=msg.sender, shares=shares, amount=max_value(uint256) - shares)


@external
def note(reference: bytes32, text: String[128]):
    log Notice(reference=reference, author=msg.sender, text=text)


@external
def fail():
    log Investment(investor=msg.sender, amount=1, shares=1)
    assert False, "this transaction has no logs"
