// What stands under the pointer in a chart of a back-test: a line, and the moment's figures in words.
(() => {
  "use strict";
  const texts = new WeakMap();

  function read(plot) {
    if (!texts.has(plot)) texts.set(plot, JSON.parse(plot.dataset.readOuts || "[]"));
    return texts.get(plot);
  }

  function nearest(rows, share) {
    let low = 0, high = rows.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (rows[middle][0] < share) low = middle; else high = middle;
    }
    return share - rows[low][0] < rows[high][0] - share ? rows[low] : rows[high];
  }

  function show(event) {
    const plot = event.target.closest && event.target.closest(".plot[data-read-outs]");
    document.querySelectorAll(".plot .read-out").forEach((box) => box.parentElement !== plot && box.remove());
    if (!plot) return;
    const rows = read(plot);
    if (!rows.length) return;
    const frame = plot.getBoundingClientRect();
    const [share, text] = nearest(rows, (event.clientX - frame.left) / frame.width);
    let box = plot.querySelector(".read-out");
    if (!box) {
      box = document.createElement("div");
      box.className = "read-out";
      box.append(document.createElement("i"), document.createElement("span"));
      plot.append(box);
    }
    box.firstChild.style.left = `${share * 100}%`;
    box.lastChild.textContent = text;
    const room = frame.width - box.lastChild.offsetWidth;
    box.lastChild.style.left = `${Math.max(0, Math.min(room, share * frame.width - box.lastChild.offsetWidth / 2))}px`;
  }

  document.addEventListener("pointermove", show);
  document.addEventListener("pointerdown", show);
})();
