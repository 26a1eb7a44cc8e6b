// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import WebSocket

/// RFC 7692 §7.1: what is answered to which offers.
@Suite struct DeflatePolicyTests {
    private static let none = DeflatePolicy()
    private static let all = DeflatePolicy(serverTakeover: true, clientTakeover: true)
    private static let both = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

    @Test(
        arguments: [
            ("permessage-deflate", both),
            ("PerMessage-Deflate", both),
            ("permessage-deflate; client_max_window_bits", both),
            ("permessage-deflate; server_no_context_takeover", both),
            ("permessage-deflate; client_no_context_takeover", both),
            ("permessage-deflate; Server_No_Context_Takeover", both),
            ("permessage-deflate; server_max_window_bits=15", "\(both); server_max_window_bits=15"),
            ("permessage-deflate; server_max_window_bits=9", "\(both); server_max_window_bits=9"),
            ("permessage-deflate; server_max_window_bits=\"10\"", "\(both); server_max_window_bits=10"),
            ("permessage-deflate; client_max_window_bits=8", "\(both); client_max_window_bits=8"),
            ("permessage-deflate; client_max_window_bits=\"15\"", "\(both); client_max_window_bits=15"),
            (
                "permessage-deflate; client_max_window_bits=10; server_max_window_bits=11",
                "\(both); server_max_window_bits=11; client_max_window_bits=10"
            ),
            // Nothing that can be met.
            ("permessage-deflate; server_max_window_bits=8", nil),
            ("permessage-deflate; server_max_window_bits", nil),
            ("permessage-deflate; server_max_window_bits=7", nil),
            ("permessage-deflate; server_max_window_bits=16", nil),
            ("permessage-deflate; server_max_window_bits=09", nil),
            ("permessage-deflate; server_max_window_bits=+9", nil),
            ("permessage-deflate; server_max_window_bits=0x9", nil),
            ("permessage-deflate; server_max_window_bits=99999999999999999999", nil),
            ("permessage-deflate; client_max_window_bits=7", nil),
            ("permessage-deflate; client_max_window_bits=16", nil),
            ("permessage-deflate; client_max_window_bits=008", nil),
            ("permessage-deflate; server_no_context_takeover=true", nil),
            ("permessage-deflate; client_no_context_takeover=1", nil),
            ("permessage-deflate; server_no_context_takeover; server_no_context_takeover", nil),
            ("permessage-deflate; client_max_window_bits; client_max_window_bits=10", nil),
            ("permessage-deflate; server_max_window_bits=9; server_max_window_bits=9", nil),
            ("permessage-deflate; unknown", nil),
            ("permessage-deflate; unknown=1; client_max_window_bits", nil),
            ("permessage-bzip2", nil),
            ("x-webkit-deflate-frame", nil),
            ("", nil),
            // Several: the first that can be met.
            ("permessage-deflate; unknown, permessage-deflate", both),
            ("permessage-bzip2, permessage-deflate", both),
            (
                "permessage-deflate; server_max_window_bits=8, permessage-deflate; server_max_window_bits=10",
                "\(both); server_max_window_bits=10"
            ),
            (
                "permessage-deflate; server_max_window_bits=10, permessage-deflate",
                "\(both); server_max_window_bits=10"
            ),
            ("permessage-deflate; server_max_window_bits=8, permessage-deflate; foo", nil),
        ] as [(String, String?)]
    )
    func offersAreAnswered(offer: String, answer: String?) throws {
        let offers = try #require(ExtensionOffer.parse([offer]))
        #expect(Self.none.answer(offers)?.element == answer)
    }

    @Test(
        arguments: [
            ("permessage-deflate", "permessage-deflate"),
            ("permessage-deflate; client_max_window_bits", "permessage-deflate"),
            ("permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover"),
            ("permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover"),
            (
                "permessage-deflate; client_no_context_takeover; server_no_context_takeover; client_max_window_bits=9",
                "\(both); client_max_window_bits=9"
            ),
        ]
    )
    func takeoverIsLeftOnWhereItMayBe(offer: String, answer: String) throws {
        let offers = try #require(ExtensionOffer.parse([offer]))
        #expect(Self.all.answer(offers)?.element == answer)
    }

    @Test(
        arguments: [
            ("permessage-deflate", both),
            ("permessage-deflate; client_max_window_bits", "\(both); client_max_window_bits=10"),
            ("permessage-deflate; client_max_window_bits=12", "\(both); client_max_window_bits=10"),
            ("permessage-deflate; client_max_window_bits=9", "\(both); client_max_window_bits=9"),
            ("permessage-deflate; server_max_window_bits=12", "\(both); server_max_window_bits=12"),
            ("permessage-deflate; server_max_window_bits=11", nil),
            ("permessage-deflate; server_max_window_bits=11, permessage-deflate", both),
        ] as [(String, String?)]
    )
    func windowsAreLimited(offer: String, answer: String?) throws {
        let policy = DeflatePolicy(leastServerWindow: 12, clientWindow: 10)
        let offers = try #require(ExtensionOffer.parse([offer]))
        #expect(policy.answer(offers)?.element == answer)
    }

    @Test(arguments: ["permessage-deflate; =1", "permessage-deflate; a=\"", ";", "permessage deflate"])
    func whatBreaksTheGrammarIsNoOffer(field: String) {
        #expect(ExtensionOffer.parse([field]) == nil)
    }

    @Test(
        arguments: [
            ("permessage-deflate", "", nil, nil),
            ("permessage-deflate", "permessage-deflate", "permessage-deflate", nil),
            ("permessage-deflate", both, both, nil),
            (
                "permessage-deflate", "permessage-deflate; server_max_window_bits=10",
                "permessage-deflate; server_max_window_bits=10", nil
            ),
            (
                "permessage-deflate; client_max_window_bits", "permessage-deflate; client_max_window_bits=9",
                "permessage-deflate; client_max_window_bits=9", nil
            ),
            ("permessage-deflate; client_max_window_bits", "permessage-deflate", "permessage-deflate", nil),
            (
                "permessage-deflate; client_max_window_bits=10", "permessage-deflate; client_max_window_bits=10",
                "permessage-deflate; client_max_window_bits=10", nil
            ),
            ("permessage-deflate", "permessage-deflate, permessage-deflate", nil, .repeated),
            ("permessage-deflate", "permessage-deflate; foo", nil, .malformed),
            ("permessage-deflate", "permessage-deflate; server_max_window_bits", nil, .malformed),
            ("permessage-deflate", "permessage-deflate; server_max_window_bits=16", nil, .malformed),
            ("permessage-deflate", "permessage-deflate; server_no_context_takeover=1", nil, .malformed),
            (
                "permessage-deflate; client_max_window_bits", "permessage-deflate; client_max_window_bits", nil,
                .malformed
            ),
            ("permessage-deflate", "permessage-deflate; client_max_window_bits=15", nil, .clientWindow),
            (
                "permessage-deflate; client_max_window_bits=10", "permessage-deflate; client_max_window_bits=11", nil,
                .clientWindow
            ),
            ("permessage-deflate; server_no_context_takeover", "permessage-deflate", nil, .serverTakeover),
            ("permessage-deflate; server_max_window_bits=10", "permessage-deflate", nil, .serverWindow),
            (
                "permessage-deflate; server_max_window_bits=10", "permessage-deflate; server_max_window_bits=11", nil,
                .serverWindow
            ),
            (
                "permessage-deflate; server_max_window_bits=10", "permessage-deflate; server_max_window_bits=9",
                "permessage-deflate; server_max_window_bits=9", nil
            ),
        ] as [(String, String, String?, DeflateFault?)]
    )
    func answersAreJudged(offer: String, answer: String, agreed: String?, fault: DeflateFault?) throws {
        let offers = try #require(ExtensionOffer.parse([offer]))
        let parameters = try #require(offers.first.flatMap(DeflateParameters.init))
        let answers = try #require(ExtensionOffer.parse([answer]))
        do throws(DeflateFault) {
            #expect(try parameters.judge(answers)?.element == agreed)
            #expect(fault == nil)
        } catch {
            #expect(error == fault, "\(error)")
        }
    }

    /// Whatever a policy answers, the client that offered it accepts.
    @Test(arguments: 0..<400 as Range<UInt64>)
    func answersFitTheirOffers(seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        var offer = DeflateParameters()
        offer.serverNoContextTakeover = .random(using: &generator)
        offer.clientNoContextTakeover = .random(using: &generator)
        offer.serverWindow = .random(using: &generator) ? .random(in: 8...15, using: &generator) : nil
        offer.clientWindow =
            switch Int.random(in: 0...2, using: &generator) {
            case 0: .unmentioned
            case 1: .limitable
            default: .limited(.random(in: 8...15, using: &generator))
            }
        let policy = DeflatePolicy(
            serverTakeover: .random(using: &generator),
            clientTakeover: .random(using: &generator),
            leastServerWindow: .random(in: 9...15, using: &generator),
            clientWindow: .random(in: 8...15, using: &generator)
        )
        guard let answer = policy.answer(try #require(ExtensionOffer.parse([offer.element]))) else {
            let window = try #require(offer.serverWindow)
            #expect(window < policy.leastServerWindow)
            return
        }
        #expect(try offer.judge(try #require(ExtensionOffer.parse([answer.element]))) == answer)
    }
}
