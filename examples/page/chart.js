// Bars, levels and coverage as SVG.

const WIDTH = 960;
const HEIGHT = 430;
const RIGHT = 118;
const VOLUME = 56;
const LINES = ["VWAP", "POC", "VAH", "VAL", "PDH", "PDL"];
const LABEL_GAP = 14;

/** Draws the bars (ascending) and the lines of a level set. */
export function drawChart(svg, bars, set) {
  const traded = bars.filter((bar) => bar.open !== null);
  const lines = LINES.flatMap((name) =>
    set.levels[name] === null
      ? []
      : [{ name, price: Number(set.levels[name]), how: set.certainty[name] ?? "" }],
  );
  const prices = [
    ...traded.flatMap(({ high, low }) => [Number(high), Number(low)]),
    ...lines.map((of) => of.price),
  ];
  if (prices.length === 0) {
    svg.replaceChildren(text(WIDTH / 2, HEIGHT / 2, "nothing is known yet", "middle"));
    return;
  }
  const [low, high] = [Math.min(...prices), Math.max(...prices)];
  const pad = (high - low || 1) * 0.05;
  const plot = HEIGHT - VOLUME - 22;
  const y = (price) => ((high + pad - price) / (high - low + 2 * pad)) * plot;
  const right = WIDTH - RIGHT;
  const step = right / Math.max(bars.length, 1);
  const most = Math.max(...traded.map(({ volume }) => Number(volume)), 1e-12);

  const candles = bars.flatMap((bar, at) => {
    if (bar.open === null) return [];
    const [open, close] = [Number(bar.open), Number(bar.close)];
    const kind = `${close >= open ? "up" : "down"}${bar.covered < 1 ? " partial" : ""}`;
    const x = (at + 0.5) * step;
    const tall = (Number(bar.volume) / most) * VOLUME;
    return [
      line(x, y(Number(bar.high)), x, y(Number(bar.low)), kind),
      box(
        x - step * 0.35,
        y(Math.max(open, close)),
        step * 0.7,
        Math.max(1, Math.abs(y(open) - y(close))),
        kind,
      ),
      box(x - step * 0.35, HEIGHT - 22 - tall, step * 0.7, tall, `${kind} volume`),
    ];
  });
  const times = bars.flatMap(({ time }, at) => {
    const date = new Date(time);
    if (date.getUTCHours() % 4 !== 0 || date.getUTCMinutes() !== 0) return [];
    const x = (at + 0.5) * step;
    return [
      line(x, 0, x, HEIGHT - 22, "grid"),
      text(x, HEIGHT - 6, time.slice(11, 16), x < 20 ? "start" : "middle"),
    ];
  });
  const { VAH, VAL } = set.levels;
  const area =
    VAH === null || VAL === null
      ? []
      : [box(0, y(Number(VAH)), right, y(Number(VAL)) - y(Number(VAH)), "area")];
  // Labels that would cover one another step aside.
  let free = 0;
  const levels = lines
    .toSorted((a, b) => b.price - a.price)
    .flatMap(({ name, price, how }) => {
      const at = Math.max(y(price), free + 5);
      free = at + LABEL_GAP - 5;
      const bounds = set.bounds[name];
      const band =
        bounds === undefined
          ? []
          : [
              box(
                0,
                y(Number(bounds[1])),
                right,
                Math.max(1, y(Number(bounds[0])) - y(Number(bounds[1]))),
                "area",
              ),
            ];
      return [
        ...band,
        line(0, y(price), right, y(price), `level ${name} ${how}`),
        text(right + 8, at + 4, `${name} ${price}`, "start", `label ${how}`),
      ];
    });
  svg.replaceChildren(...times, ...area, ...candles, ...levels);
}

/** Draws which minutes of a session are covered; nothing while its hours are not known. */
export function drawCoverage(svg, { expected_minutes, missing }, range) {
  if (range === undefined) {
    svg.replaceChildren();
    return;
  }
  const start = Date.parse(range.from);
  const scale = WIDTH / (Date.parse(range.to) - start);
  svg.replaceChildren(
    box(0, 0, WIDTH, 10, "future"),
    box(0, 0, expected_minutes * 60_000 * scale, 10, "covered"),
    ...missing.map(([from, to]) =>
      box((Date.parse(from) - start) * scale, 0, (Date.parse(to) - Date.parse(from)) * scale, 10, "missing"),
    ),
  );
}

function element(name, attributes, content) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (content !== undefined) made.textContent = content;
  return made;
}

function line(x1, y1, x2, y2, kind) {
  return element("line", { x1, y1, x2, y2, class: kind });
}

function box(x, y, width, height, kind) {
  return element("rect", { x, y, width: Math.max(0, width), height: Math.max(0, height), class: kind });
}

function text(x, y, content, anchor, kind = "") {
  return element("text", { x, y, "text-anchor": anchor, class: kind }, content);
}
