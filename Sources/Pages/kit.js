// SPDX-License-Identifier: Apache-2.0

/// What both pages are put together with: elements without markup in strings, and sentences above the page.

/// Makes an element. Properties are set as such; `data` and `aria` become attributes; children are nodes or text.
export function element(name, properties = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
        if (value === undefined || value === null) continue;
        if (key === "data") Object.assign(made.dataset, value);
        else if (key === "on") for (const [event, handler] of Object.entries(value)) made.addEventListener(event, handler);
        else if (key === "class") made.className = value;
        else if (key in made) made[key] = value;
        else made.setAttribute(key, value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
}

export const find = (id) => document.getElementById(id);

const notes = new Map();

/// Shows a sentence above the page until it is taken back, by the same name and no text.
export function note(name, tone, text) {
    if (text && notes.get(name)?.textContent === text) return;
    notes.get(name)?.remove();
    notes.delete(name);
    if (!text) return;
    const made = element("p", { class: "note", data: { tone, note: name } }, text);
    notes.set(name, made);
    find("notes").append(made);
}

/// The sentence of a refusal for its reader; none where it is not the hub that answers.
export function detail(text) {
    try {
        return JSON.parse(text).detail;
    } catch {
        return undefined;
    }
}

const waiting = new Set();
/// Does something before the next frame, once however often it is asked for.
export function later(work) {
    if (waiting.size === 0) {
        requestAnimationFrame(() => {
            const works = [...waiting];
            waiting.clear();
            works.forEach((one) => one());
        });
    }
    waiting.add(work);
}
