// The preview's chart: the market's candles and the lines that the form, as it stands, would place.
(() => {
  "use strict";
  const { Lines, candleColours, colour, create, note, priceFormat, withAlpha } = window.Charts;
  const form = document.getElementById("bot-form");
  if (!form) return;
  const box = document.getElementById("preview-chart");
  const title = document.getElementById("preview-symbol");
  const chart = create(box);
  const candles = chart.addSeries(LightweightCharts.CandlestickSeries, candleColours());
  let levels = [];
  const lines = new Lines(candles, (level, count) => ({
    color: withAlpha(colour(level.side === "buy" ? "up" : "down"), 0.8), lineWidth: 1, axisLabelVisible: count <= 14,
    axisLabelColor: colour(level.side === "buy" ? "up-fill" : "down-fill"), axisLabelTextColor: "#fff", title: "",
  }));
  // All levels stay in sight, however far they are from the price.
  candles.applyOptions({
    autoscaleInfoProvider: (original) => {
      const own = original();
      if (!own || !levels.length) return own;
      const prices = levels.map((level) => level.price);
      const near = own.priceRange;
      return { ...own, priceRange: { minValue: Math.min(near.minValue, ...prices), maxValue: Math.max(near.maxValue, ...prices) } };
    },
  });

  let market = "";
  async function showMarket(account, symbol) {
    if (market === `${account} ${symbol}`) return;
    market = `${account} ${symbol}`;
    const answer = await fetch(`${form.dataset.candles}?${new URLSearchParams({ account, symbol, timeframe: "5m" })}`);
    if (!answer.ok || market !== `${account} ${symbol}`) return;
    const data = await answer.json();
    candles.applyOptions({ priceFormat: priceFormat(data.candles.map((candle) => candle.close)) });
    candles.setData(data.candles);
    title.textContent = data.candles.length ? `${symbol}, 5 min` : "";
    chart.timeScale().setVisibleLogicalRange({ from: data.candles.length - 120, to: data.candles.length + 4 });
    box.dataset.candles = String(data.candles.length);
    note(box, data.error);
  }

  async function show() {
    const source = document.getElementById("preview-lines");
    const data = source ? JSON.parse(source.textContent) : { levels: [], price: null };
    if (data.price !== null && data.symbol) await showMarket(data.account, data.symbol);
    levels = data.levels;
    lines.show(levels);
    // A fresh look at the scale: the provider above is asked only when something was set.
    chart.priceScale("right").applyOptions({ autoScale: true });
    candles.applyOptions({});
    box.dataset.levelLines = String(levels.length);
    if (!box.dataset.candles) note(box, "Choose a symbol to see its price here.");
    form.querySelectorAll("[data-field]").forEach((field) => {
      const wrong = field.querySelector(".field-error").textContent.trim() !== "";
      field.querySelectorAll("input, select").forEach((input) => input.setAttribute("aria-invalid", String(wrong)));
      if (wrong && field.closest("details")) field.closest("details").open = true;
    });
  }

  function showUnits() {
    const quote = (form.elements.symbol.value.split("/")[1] || "").split(":")[0].toUpperCase();
    form.querySelectorAll("[data-quote-unit]").forEach((unit) => (unit.textContent = quote || "quote"));
  }

  let levelsOpen = false;
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id === "preview") levelsOpen = Boolean(document.querySelector("#preview details[open]"));
  });
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target.id !== "preview") return;
    const details = document.querySelector("#preview details");
    if (details) details.open = levelsOpen;
    show();
  });
  document.body.addEventListener("ta:theme", () => {
    candles.applyOptions(candleColours());
    lines.show(levels);
  });
  form.elements.symbol.addEventListener("input", showUnits);
  form.elements.symbol.addEventListener("change", () => {
    form.elements.symbol.value = form.elements.symbol.value.trim().toUpperCase();
    showUnits();
  });
  showUnits();
  show();
})();
