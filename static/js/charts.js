// The look of all charts, in the colours of the page.
window.Charts = (() => {
  "use strict";
  const probe = document.createElement("i");
  probe.hidden = true;
  document.body.append(probe);

  // Colours may be written as light-dark(…): only the browser knows which of the two counts.
  function colour(name) {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  }

  const withAlpha = (rgb, alpha) => rgb.replace("rgb(", "rgba(").replace(")", `, ${alpha})`);

  function options() {
    return {
      autoSize: true,
      layout: {
        background: { color: "transparent" },
        textColor: colour("muted"),
        fontFamily: getComputedStyle(document.body).fontFamily,
        fontSize: 11,
        panes: { separatorColor: colour("line") },
      },
      grid: { vertLines: { color: colour("chart-grid") }, horzLines: { color: colour("chart-grid") } },
      rightPriceScale: { borderColor: colour("line"), scaleMargins: { top: 0.08, bottom: 0.08 } },
      timeScale: { borderColor: colour("line"), timeVisible: true, secondsVisible: false, rightOffset: 6 },
      crosshair: {
        mode: LightweightCharts.CrosshairMode.Normal,
        vertLine: { color: colour("faint"), labelBackgroundColor: colour("primary") },
        horzLine: { color: colour("faint"), labelBackgroundColor: colour("primary") },
      },
      // A page is scrolled over its charts; zooming wants a key or two fingers.
      handleScroll: { mouseWheel: false, vertTouchDrag: false },
      handleScale: { mouseWheel: false },
    };
  }

  const candleColours = () => ({
    upColor: colour("up"), downColor: colour("down"), borderVisible: false,
    wickUpColor: colour("up"), wickDownColor: colour("down"),
  });

  function create(element) {
    element.querySelectorAll(".chart-note").forEach((note) => note.remove());
    const chart = LightweightCharts.createChart(element, options());
    const restyle = () => chart.applyOptions(options());
    document.body.addEventListener("ta:theme", restyle);
    matchMedia("(prefers-color-scheme: light)").addEventListener("change", restyle);
    element.addEventListener("wheel", (event) => {
      const zooming = event.ctrlKey || event.metaKey;
      chart.applyOptions({ handleScale: { mouseWheel: zooming } });
    }, { capture: true, passive: true });
    return chart;
  }

  // The number of decimals that the prices need, so that the scale neither rounds nor pads.
  function priceFormat(prices) {
    const decimals = Math.min(10, Math.max(2, ...prices.slice(-50).map((price) => (String(price).split(".")[1] || "").length)));
    return { type: "price", precision: decimals, minMove: 10 ** -decimals };
  }

  function note(element, text) {
    let line = element.querySelector(".chart-note");
    if (!text) return void (line && line.remove());
    if (!line) {
      line = document.createElement("p");
      line.className = "chart-note";
      element.append(line);
    }
    line.textContent = text;
  }

  // Horizontal lines that follow a list: those that stay are not drawn anew.
  class Lines {
    constructor(series, look) {
      this.series = series;
      this.look = look;
      this.drawn = new Map();
    }
    show(items) {
      const wanted = new Map(items.map((item) => [`${item.price}:${item.side}:${item.type || ""}`, item]));
      for (const [key, line] of this.drawn) {
        if (!wanted.has(key)) {
          this.series.removePriceLine(line);
          this.drawn.delete(key);
        }
      }
      for (const [key, item] of wanted) {
        const look = { price: item.price, ...this.look(item, wanted.size) };
        if (this.drawn.has(key)) this.drawn.get(key).applyOptions(look);
        else this.drawn.set(key, this.series.createPriceLine(look));
      }
    }
  }

  return { Lines, candleColours, colour, create, note, priceFormat, withAlpha };
})();
