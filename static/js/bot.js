// The bot page's charts and the figures that move with every tick.
(() => {
  "use strict";
  const { Lines, candleColours, colour, create, note, priceFormat, withAlpha } = window.Charts;
  const { LineStyle } = LightweightCharts;
  const body = document.body;
  const box = document.getElementById("price-chart");
  const equityBox = document.getElementById("equity-chart");

  const chart = create(box);
  const candles = chart.addSeries(LightweightCharts.CandlestickSeries, candleColours());
  const markers = LightweightCharts.createSeriesMarkers(candles, []);
  const levelLines = new Lines(candles, () => ({
    color: withAlpha(colour("primary-text"), 0.35), lineWidth: 1, lineStyle: LineStyle.SparseDotted, axisLabelVisible: false,
  }));
  const orderLines = new Lines(candles, (order, count) => ({
    color: withAlpha(colour(order.side === "buy" ? "up" : "down"), 0.9),
    lineWidth: 1,
    lineStyle: order.type === "stop" ? LineStyle.Dashed : LineStyle.Solid,
    axisLabelVisible: count <= 16,
    axisLabelColor: colour(order.side === "buy" ? "up-fill" : "down-fill"),
    axisLabelTextColor: "#fff",
    title: "",
  }));
  const equityChart = create(equityBox);
  const equity = equityChart.addSeries(LightweightCharts.BaselineSeries, { baseValue: { type: "price", price: 0 }, lineWidth: 2, priceLineVisible: false });

  let frame = "1m", seconds = 60, lastCandle = null, firstTime = 0, fills = [], loading = null;

  function recolour() {
    candles.applyOptions(candleColours());
    equity.applyOptions({
      topLineColor: colour("up"), topFillColor1: withAlpha(colour("up"), 0.28), topFillColor2: withAlpha(colour("up"), 0.03),
      bottomLineColor: colour("down"), bottomFillColor1: withAlpha(colour("down"), 0.03), bottomFillColor2: withAlpha(colour("down"), 0.28),
    });
    showFills();
  }

  const candleOf = (time) => time - (time % seconds);

  function showFills() {
    const shown = fills.filter((fill) => candleOf(fill.time) >= firstTime).sort((a, b) => a.time - b.time);
    markers.setMarkers(shown.map((fill) => ({
      time: candleOf(fill.time),
      position: fill.side === "buy" ? "atPriceBottom" : "atPriceTop",
      price: fill.price,
      shape: fill.side === "buy" ? "arrowUp" : "arrowDown",
      color: colour(fill.side === "buy" ? "blue" : "orange"),
      size: 0.8,
    })));
    box.dataset.fillMarkers = String(shown.length);
  }

  function showTrading(data) {
    orderLines.show(data.orders);
    fills = data.fills;
    box.dataset.orderLines = String(data.orders.length);
    showFills();
  }

  async function load() {
    const wanted = frame;
    const answer = await fetch(`${box.dataset.url}?timeframe=${wanted}`, { signal: (loading = new AbortController()).signal });
    if (!answer.ok) throw new Error(`chart data: ${answer.status}`);
    const data = await answer.json();
    seconds = data.seconds;
    firstTime = data.candles.length ? data.candles[0].time : Infinity;
    lastCandle = data.candles.at(-1) || null;
    candles.applyOptions({ priceFormat: priceFormat(data.candles.map((candle) => candle.close)) });
    candles.setData(data.candles);
    levelLines.show(data.levels);
    showTrading(data);
    equity.setData(data.equity);
    note(box, data.error || (data.candles.length ? "" : "The exchange has no candles of this length yet."));
    note(equityBox, data.equity.length ? "" : "The curve begins with the first tick after the start.");
    box.dataset.candles = String(data.candles.length);
    box.dataset.levelLines = String(data.levels.length);
    if (lastCandle) showPrice(lastCandle.close);
  }

  async function reload() {
    if (loading) loading.abort();
    try {
      await load();
    } catch (error) {
      if (error.name !== "AbortError") note(box, "The chart could not be loaded; it is tried again when the connection is back.");
    }
  }

  function zoom() {
    const [fewest, most] = box.clientWidth < 600 ? [40, 60] : [80, 160];
    const count = Number(box.dataset.candles || 0);
    // A handful of candles must not fill the screen.
    const bars = Math.min(most, Math.max(fewest, count));
    chart.timeScale().setVisibleLogicalRange({ from: count - bars, to: count + 6 });
    equityChart.timeScale().fitContent();
  }

  async function refreshTrading() {
    if (!Number.isFinite(firstTime)) return;
    const answer = await fetch(`${box.dataset.url}?since=${firstTime}`);
    if (answer.ok) showTrading(await answer.json());
  }

  // Prices arrive as samples: a candle begins where the last one ended, until the exchange tells its own.
  const opening = (time, from, to) => ({ time, open: from, high: Math.max(from, to), low: Math.min(from, to), close: to });

  // --- What ticks say ------------------------------------------------------------------------------------------
  function onPrice(price, time) {
    if (!lastCandle || !Number.isFinite(price)) return;
    const start = candleOf(time);
    if (start < lastCandle.time) return;
    // A gap means that hints were missed: the candles between are the exchange's to tell.
    if (start > lastCandle.time + seconds) return void reload();
    lastCandle = start === lastCandle.time
      ? { ...lastCandle, high: Math.max(lastCandle.high, price), low: Math.min(lastCandle.low, price), close: price }
      : opening(start, lastCandle.close, price);
    candles.update(lastCandle);
    showPrice(price);
  }

  let decimals = 2;
  function showPrice(price) {
    const field = document.querySelector('[data-live="price"]');
    decimals = candles.options().priceFormat.precision;
    if (field) field.textContent = price.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    box.dataset.lastPrice = String(price);
  }

  function showMoney(name, value) {
    const field = document.querySelector(`[data-live="${name}"] .num`);
    if (!field) return;
    const places = Math.abs(value) < 1 && Math.abs(value) > 0.00005 ? 4 : 2;
    const text = Math.abs(value).toLocaleString("en", { minimumFractionDigits: places, maximumFractionDigits: places });
    const zero = !/[1-9]/.test(text);
    field.textContent = zero ? text : (value < 0 ? "\u2212" : "+") + text;
    field.className = `num ${value > 0 ? "up" : value < 0 ? "down" : "flat"}`;
  }

  let lastEquity = 0;
  body.addEventListener("ta:hint", ({ detail: { kind, data } }) => {
    if (kind === "price") onPrice(Number(data.last), Math.floor(data.timestamp / 1000));
    if (kind !== "tick") return;
    const time = Math.floor(data.timestamp / 1000), realised = Number(data.realised_pnl), unrealised = Number(data.unrealised_pnl);
    onPrice(Number(data.price), time);
    showMoney("realised", realised);
    showMoney("unrealised", unrealised);
    const profit = realised + unrealised;
    showMoney("profit", profit);
    showMoney("today", profit - Number(document.querySelector("[data-before-today]").dataset.beforeToday));
    const ticked = document.querySelector("[data-last-tick] [data-ago]");
    if (ticked) ticked.readAt = { now: Date.now(), age: 0 };
    if (time > lastEquity) {
      lastEquity = time;
      const newest = equity.data().at(-1);
      if (!newest || time >= newest.time) {
        equity.update({ time, value: realised + unrealised });
        note(equityBox, "");
      }
    }
  });
  // Hints are samples of the price: now and then the exchange's own candles take the place of ours.
  setInterval(() => document.hidden || reload(), 15000);
  body.addEventListener("ta:orders", refreshTrading);
  body.addEventListener("ta:online", reload);
  body.addEventListener("ta:theme", recolour);

  document.querySelectorAll("[data-timeframe]").forEach((button) => button.addEventListener("click", async () => {
    document.querySelectorAll("[data-timeframe]").forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
    frame = button.dataset.timeframe;
    localStorage.setItem("timeframe", frame);
    await reload();
    zoom();
  }));
  const kept = document.querySelector(`[data-timeframe="${localStorage.getItem("timeframe")}"]`);
  recolour();
  if (kept) kept.click();
  else reload().then(zoom);
})();
