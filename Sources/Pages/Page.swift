// SPDX-License-Identifier: Apache-2.0

/// A file of the pages that the hub serves, as it is sent.
package struct Page: Sendable {
    /// Which port it is for.
    package enum Part: Sendable {
        /// The live page: only what anybody may see.
        case live
        /// The operators' page, on the admin port.
        case operators
    }

    package let path: String
    package let contentType: String
    package let bytes: [UInt8]

    private init(_ path: String, _ contentType: String, _ bytes: [UInt8]) {
        self.path = path
        self.contentType = contentType
        self.bytes = bytes
    }

    private static let html = "text/html; charset=utf-8"
    private static let css = "text/css; charset=utf-8"
    private static let script = "text/javascript; charset=utf-8"

    /// What both ports serve.
    private static let common = [
        Page("/page.css", Self.css, PackageResources.page_css),
        Page("/chart.js", Self.script, PackageResources.chart_js),
        Page("/kit.js", Self.script, PackageResources.kit_js),
        Page("/icon.svg", "image/svg+xml", PackageResources.icon_svg),
    ]

    private static let live =
        Self.common + [
            Page("/", Self.html, PackageResources.index_html),
            Page("/page.js", Self.script, PackageResources.page_js),
            Page("/absence.js", Self.script, PackageResources.absence_js),
            Page("/line.js", Self.script, PackageResources.line_js),
            Page("/money.js", Self.script, PackageResources.money_js),
            Page("/rates.js", Self.script, PackageResources.rates_js),
            Page("/text.js", Self.script, PackageResources.text_js),
        ]

    private static let operators =
        Self.common + [
            Page("/", Self.html, PackageResources.operator_html),
            Page("/operator.css", Self.css, PackageResources.operator_css),
            Page("/operator.js", Self.script, PackageResources.operator_js),
            Page("/ask.js", Self.script, PackageResources.ask_js),
            Page("/dialog.js", Self.script, PackageResources.dialog_js),
            Page("/figures.js", Self.script, PackageResources.figures_js),
            Page("/tables.js", Self.script, PackageResources.tables_js),
        ]

    /// The files of a part, each with its own path.
    package static func all(of part: Part) -> [Page] {
        switch part {
        case .live: Self.live
        case .operators: Self.operators
        }
    }
}
