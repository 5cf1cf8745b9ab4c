// Draws a creator's revenue by day. The same numbers stand in a table on the page, for whoever sees no chart.
(() => {
  for (const place of document.querySelectorAll("[data-revenue]")) {
    const rows = JSON.parse(document.getElementById(place.dataset.revenue).textContent);
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    // Canvas knows no light-dark(): a probe element resolves it.
    const probe = document.createElement("span");
    probe.hidden = true;
    document.body.append(probe);
    const resolved = (name) => {
      probe.style.color = colour(name);
      return getComputedStyle(probe).color;
    };
    const accent = resolved("--accent-text");
    const muted = resolved("--muted");
    const line = resolved("--line");
    probe.remove();
    const days = rows.map(([day]) => Date.parse(`${day}T00:00:00Z`) / 1000);
    const points = rows.map(([, amount]) => amount);
    const axis = { stroke: muted, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: "13px system-ui" };
    const named = new Intl.DateTimeFormat(document.documentElement.lang, { day: "numeric", month: "short", timeZone: "UTC" });
    const asDay = (moment) => named.format(new Date(moment * 1000));
    const draw = () => ({
      width: Math.max(place.clientWidth, 200),
      height: 240,
      tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), "Etc/UTC"),
      cursor: { y: false },
      legend: { show: false },
      scales: { x: { range: (_, low, high) => [low - 43200, high + 43200] }, y: { range: (_, low, high) => [Math.min(low, 0), Math.max(high, 10)] } },
      axes: [{ ...axis, space: 70, values: (_, moments) => moments.map(asDay) }, { ...axis, size: 64 }],
      series: [
        { value: (_, at) => (at === null ? "" : new Date(at * 1000).toISOString().slice(0, 10)), label: "Day" },
        {
          label: "Points",
          stroke: accent,
          fill: accent,
          width: 1,
          points: { show: false },
          paths: uPlot.paths.bars({ size: [0.7, 48] }),
        },
      ],
    });
    const chart = new uPlot(draw(), [days, points], place);
    new ResizeObserver(() => chart.setSize({ width: Math.max(place.clientWidth, 200), height: 240 })).observe(place);
  }
})();
