
// Draws each figure when it comes near the screen, the rest when the browser is idle. Without scripts the words stay in its place.
const options = {
  config: JSON.parse(document.getElementById("config").textContent), mode: "vega-lite", ast: true, actions: false, renderer: "svg", defaultStyle: false, tooltip: { disableDefaultStyle: true },
};

async function draw(plot) {
  if (plot.dataset.state) return;
  plot.dataset.state = "drawing";
  const spec = JSON.parse(document.getElementById("spec-" + plot.dataset.chart).textContent);
  const canvas = plot.querySelector(".canvas");
  try {
    await window.vegaEmbed(canvas, spec, options);
    plot.querySelector(".words").classList.add("unseen");
    plot.dataset.state = "drawn";
  } catch (error) {
    canvas.replaceChildren();
    plot.dataset.state = "failed";
    console.error(error);
  }
}

const plots = [...document.querySelectorAll(".plot")];
const near = new IntersectionObserver(
  (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => draw(entry.target)),
  { rootMargin: "400px 0px" },
);
const later = window.requestIdleCallback ?? ((work) => setTimeout(work, 200));

function rest() {
  const next = plots.find((plot) => !plot.dataset.state && plot.checkVisibility());
  if (next) draw(next).finally(() => later(rest));
}

document.addEventListener("toggle", () => later(rest), true);
requestAnimationFrame(() => {
  plots.forEach((plot) => near.observe(plot));
  later(rest);
});
