// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Logging
import NIOCore
import Server
import ServiceLifecycle

/// The admin port as a part of the process's life.
struct AdminService: Service, CustomStringConvertible {
    let description = "admin"
    let api: AdminAPI
    let host: String
    let port: Int
    /// Whether the hub is to stop when the port cannot be had.
    let isRequired: Bool
    let group: any EventLoopGroup
    let logger: Logger

    func run() async throws {
        let logger = self.logger
        let application = Application(
            responder: self.api.responder,
            configuration: ApplicationConfiguration(address: .hostname(self.host, port: self.port)),
            onServerRunning: { channel in
                let address = channel.localAddress.map { "\($0)" } ?? ""
                logger.info("admin port", metadata: ["address": "\(address)"])
            },
            eventLoopGroupProvider: .shared(self.group),
            logger: Logger(label: "admin") { _ in SwiftLogNoOpLogHandler() }
        )
        do {
            try await application.run()
        } catch let error as IOError {
            let place = "\(self.host):\(self.port)"
            guard !self.isRequired else {
                throw ConfigurationFault("cannot listen on the admin port, \(place): \(error.localizedDescription)")
            }
            logger.warning(
                "no admin port",
                metadata: ["address": "\(place)", "error": "\(error.localizedDescription)"]
            )
            try? await gracefulShutdown()
        }
    }
}
