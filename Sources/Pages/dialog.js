// SPDX-License-Identifier: Apache-2.0

import { who } from "./ask.js";
import { find } from "./kit.js";

/// Asks in a dialog; returns what was typed, true where nothing is to be typed, undefined for no.
export function confirm({ title, text, action, tone = "danger", label, value }) {
    const dialog = find("dialog");
    find("dialog-title").textContent = title;
    find("dialog-text").textContent = text;
    find("dialog-confirm").textContent = action;
    find("dialog-confirm").className = tone;
    find("dialog-audit").textContent = `This will be recorded in the audit trail as done by ${who()}.`;
    find("dialog-field").hidden = label === undefined;
    find("dialog-label").textContent = label ?? "";
    find("dialog-input").value = value ?? "";
    return new Promise((resolve) => {
        const answer = (result) => () => {
            find("dialog-confirm").onclick = find("dialog-cancel").onclick = dialog.onclose = null;
            if (dialog.open) dialog.close();
            resolve(result());
        };
        find("dialog-confirm").onclick = answer(() => (label === undefined ? true : find("dialog-input").value.trim()));
        find("dialog-cancel").onclick = dialog.onclose = answer(() => undefined);
        dialog.showModal();
        find("dialog-cancel").focus();
    });
}
