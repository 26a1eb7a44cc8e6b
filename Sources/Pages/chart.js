// SPDX-License-Identifier: Apache-2.0

/// What both pages draw with: two kinds of charts.

const svgNamespace = "http://www.w3.org/2000/svg";

function shape(name, attributes, text) {
    const made = document.createElementNS(svgNamespace, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
}

const rounded = (number) => Math.round(number * 10) / 10;

function path(points) {
    return points.map(([x, y], index) => `${index ? "L" : "M"}${rounded(x)} ${rounded(y)}`).join("");
}

/// Draws values from left to right, the newest with a dot. The numbers are for geometry only.
export function sparkline(svg, values, height = 54) {
    const width = svg.clientWidth || 220;
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const known = values.filter(Number.isFinite);
    if (known.length === 0) return svg.replaceChildren();
    const low = Math.min(...known);
    const span = Math.max(...known) - low;
    const room = height - 8;
    const step = (width - 6) / Math.max(1, known.length - 1);
    const place = (value, index) => [
        known.length === 1 ? width - 6 : index * step,
        span > 0 ? 4 + room - ((value - low) / span) * room : height / 2,
    ];
    const points = known.map(place);
    const [x, y] = points.at(-1);
    const parts = [];
    if (points.length > 1) {
        parts.push(shape("path", { class: "wash", d: `${path(points)}L${rounded(x)} ${height}L0 ${height}Z` }));
        parts.push(shape("path", { class: "stroke", d: path(points) }));
    }
    parts.push(shape("circle", { class: "dot", cx: rounded(x), cy: rounded(y), r: 3 }));
    svg.replaceChildren(...parts);
}

/// The least of 1, 2 or 5 times a power of ten that is not below a value.
function niceTop(value) {
    if (!(value > 0)) return 1;
    const power = 10 ** Math.floor(Math.log10(value));
    return [1, 2, 5, 10].map((factor) => factor * power).find((top) => top >= value * 0.999);
}

/// Draws series over time with a scale. `series` are arrays of numbers or nulls, one for each of the last `seconds`
/// seconds, the oldest first; the first is drawn strongest. `write` turns a number of the scale into text.
export function timeline(svg, series, seconds, write, height = 132) {
    const width = svg.clientWidth || 360;
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const known = series.flat().filter(Number.isFinite);
    const top = niceTop(Math.max(0, ...known));
    const [left, bottom] = [44, 18];
    const room = height - bottom - 6;
    const parts = [];
    for (const part of [0, 0.5, 1]) {
        const y = rounded(6 + room * (1 - part));
        parts.push(shape("line", { class: "grid", x1: left, x2: width, y1: y, y2: y }));
        parts.push(shape("text", { class: "tick", x: left - 8, y: y + 4, "text-anchor": "end" }, write(top * part)));
    }
    for (const [part, text] of [[0, `${seconds / 60} min ago`], [1, "now"]]) {
        const anchor = part === 0 ? "start" : "end";
        const x = left + (width - left) * part;
        parts.push(shape("text", { class: "tick", x, y: height - 2, "text-anchor": anchor }, text));
    }
    const place = (value, index, count) => [
        left + ((width - left) * (seconds - count + index)) / Math.max(1, seconds - 1),
        6 + room * (1 - Math.min(1, value / top)),
    ];
    series.forEach((values, order) => {
        // A null is a time without anything to measure: the line is interrupted there.
        const runs = [];
        let run = [];
        values.forEach((value, index) => {
            if (Number.isFinite(value)) run.push(place(value, index, values.length));
            else if (run.length) runs.push(run), (run = []);
        });
        if (run.length) runs.push(run);
        for (const points of runs) {
            const isDot = points.length === 1;
            if (isDot) {
                const [x, y] = points[0];
                parts.push(shape("circle", { class: "dot", cx: rounded(x), cy: rounded(y), r: 1.5 }));
                continue;
            }
            if (order === 0) {
                const floor = 6 + room;
                const [first, last] = [rounded(points[0][0]), rounded(points.at(-1)[0])];
                parts.push(shape("path", { class: "wash", d: `${path(points)}L${last} ${floor}L${first} ${floor}Z` }));
            }
            parts.push(shape("path", { class: order === 0 ? "stroke" : "stroke second", d: path(points) }));
        }
    });
    svg.replaceChildren(...parts);
}
