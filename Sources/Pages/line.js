// SPDX-License-Identifier: Apache-2.0

/// Sockets that this page can cut: while it is cut there is no way out.
export const line = { isCut: false, socket: undefined };

/// Stands in for a socket while the line is cut: it fails like one without a network.
class NoSocket extends EventTarget {
    readyState = 0;
    bufferedAmount = 0;
    constructor() {
        super();
        setTimeout(() => this.#end());
    }
    #end() {
        this.readyState = 3;
        for (const event of [new Event("error"), new CloseEvent("close", { code: 1006 })]) {
            this.dispatchEvent(event);
            this[`on${event.type}`]?.(event);
        }
    }
    send() {}
    close() {}
}

/// What the client makes its connections with.
export const CuttableSocket = new Proxy(WebSocket, {
    construct(target, parameters) {
        line.socket = line.isCut ? new NoSocket() : new target(...parameters);
        return line.socket;
    },
});
