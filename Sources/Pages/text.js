// SPDX-License-Identifier: Apache-2.0

/// Decimal text, times and counts for reading. Amounts stay text.

/// The exact difference of two decimal texts, with a sign and as many places as the longer one has.
export function difference(left, right) {
    const places = Math.max(...[left, right].map((text) => (text.split(".")[1] ?? "").length));
    const units = (text) => {
        const [whole, part = ""] = text.replace(/^[+-]/, "").split(".");
        const value = BigInt(whole + part.padEnd(places, "0"));
        return text.startsWith("-") ? -value : value;
    };
    const result = units(left) - units(right);
    const digits = String(result < 0n ? -result : result).padStart(places + 1, "0");
    const whole = digits.slice(0, digits.length - places);
    const sign = result < 0n ? "−" : result > 0n ? "+" : "";
    return { sign, text: sign + grouped(places ? `${whole}.${digits.slice(-places)}` : whole) };
}

/// Decimal text with its thousands apart, for reading; anything else as it is.
export function grouped(value) {
    const text = String(value);
    if (!isDecimal(text)) return text;
    const [whole, part] = text.split(".");
    const apart = whole.replace(/\B(?=(\d{3})+$)/g, ",");
    return part === undefined ? apart : `${apart}.${part}`;
}

export const isDecimal = (text) => typeof text === "string" && /^[+-]?\d+(\.\d+)?$/.test(text);

export function clock(time) {
    const date = new Date(time);
    return Number.isNaN(date.valueOf()) ? "" : date.toLocaleTimeString([], { hour12: false });
}

export function span(milliseconds) {
    const seconds = Math.max(0, Math.round(milliseconds / 1000));
    if (seconds < 60) return `${seconds} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
    return `${Math.floor(seconds / 3600)} h`;
}

export const many = (count, one, more = `${one}s`) => `${count} ${count === 1 ? one : more}`;
