// SPDX-License-Identifier: Apache-2.0

/// Figures for reading.

const number = new Intl.NumberFormat("en-GB");
export const count = (value) => number.format(value);

export function clock(time) {
    const date = new Date(time);
    if (Number.isNaN(date.valueOf())) return "";
    const isToday = date.toDateString() === new Date().toDateString();
    const hours = date.toLocaleTimeString([], { hour12: false });
    return isToday ? hours : `${date.toLocaleDateString("en-CA")} ${hours}`;
}

/// Seconds as a text with a unit that leaves three digits.
export function latency(seconds) {
    if (!Number.isFinite(seconds)) return ["–", ""];
    if (seconds < 0.001) return [(seconds * 1e6).toFixed(0), "µs"];
    if (seconds < 1) return [(seconds * 1000).toFixed(seconds < 0.01 ? 2 : seconds < 0.1 ? 1 : 0), "ms"];
    return [seconds.toFixed(2), "s"];
}

export function size(bytes) {
    if (bytes < 1024) return [count(bytes), "B"];
    if (bytes < 1 << 20) return [(bytes / 1024).toFixed(1), "KB"];
    return [(bytes / (1 << 20)).toFixed(1), "MB"];
}

export function lag(milliseconds) {
    if (milliseconds === null || milliseconds === undefined) return "–";
    if (milliseconds < 10_000) return `${(milliseconds / 1000).toFixed(1)} s`;
    if (milliseconds < 600_000) return `${Math.round(milliseconds / 1000)} s`;
    return `${Math.round(milliseconds / 60_000)} min`;
}

/// The value below which a part of what a histogram counted lies, between the bounds of its bucket; null for nothing.
export function quantile({ bounds, counts }, part) {
    const total = counts.reduce((sum, one) => sum + one, 0);
    if (total === 0) return null;
    let below = 0;
    for (let index = 0; index < counts.length; index += 1) {
        if (below + counts[index] >= part * total) {
            if (index >= bounds.length) return bounds.at(-1);
            const low = index === 0 ? 0 : bounds[index - 1];
            return low + ((bounds[index] - low) * (part * total - below)) / counts[index];
        }
        below += counts[index];
    }
    return bounds.at(-1);
}

export const since = (after, before) => ({ bounds: after.bounds, counts: after.counts.map((value, index) => value - before.counts[index]) });
