// SPDX-License-Identifier: Apache-2.0

import Monitor
import Testing

struct MetricsPageTests {
    private static let page = MetricsPage(
        """
        # HELP a Something.
        # TYPE a gauge
        a 3
        b{type="x\\"y\\\\z\\n",result="accepted"} 4 1700000000000
        b{type="q",result="failed",} 5
        c_bucket{le="0.1"} 1
        c_bucket{le="1.0"} 3
        c_bucket{le="+Inf"} 4
        c_sum 7.5
        c_count 4
        broken{ 1
        broken{x="} 1
        broken NaN
        broken
        9 9

        """
    )

    @Test func valuesAndLabelsAreRead() {
        #expect(Self.page.value("a") == 3)
        #expect(Self.page.value("nothing") == 0)
        #expect(Self.page.values("b", by: "type") == ["x\"y\\z\n": 4, "q": 5])
        #expect(Self.page.values("b", by: "result") == ["accepted": 4, "failed": 5])
        #expect(Self.page.all("broken").isEmpty)
        #expect(Self.page.value("c_sum") == 7.5)
    }

    @Test(arguments: [(0.25, 0.1), (0.5, 0.55), (0.75, 1.0), (0.99, .infinity)])
    func quantilesAreSpreadOverTheBucket(_ part: Double, _ seconds: Double) throws {
        let value = try #require(Self.page.buckets("c").quantile(part))
        #expect(value == seconds || abs(value - seconds) < 1e-9)
    }

    @Test func nothingHasNoQuantile() {
        #expect(Buckets().quantile(0.5) == nil)
        #expect(Self.page.buckets("c").since(Self.page.buckets("c")).quantile(0.5) == nil)
        #expect(Self.page.buckets("a").count == 0)
    }

    @Test func onlyWhatCameSinceCounts() {
        let later = MetricsPage("c_bucket{le=\"0.1\"} 1\nc_bucket{le=\"1.0\"} 13\nc_bucket{le=\"+Inf\"} 14\n")
        let recent = later.buckets("c").since(Self.page.buckets("c"))
        #expect(recent.count == 10)
        #expect(recent.quantile(0.5) == 0.55)
        // Of another life of the process.
        #expect(Self.page.buckets("c").since(later.buckets("c")) == Self.page.buckets("c"))
    }
}
