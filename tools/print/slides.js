/* A deck: reveal.js with the speaker's notes (key S); what is too much for a frame becomes smaller. */

const FRAME = { width: 1280, height: 720 };
const SMALLEST = 0.6;

function overflows(slide) {
  return (
    slide.scrollHeight > FRAME.height ||
    slide.scrollWidth > FRAME.width ||
    [...slide.querySelectorAll(".shown")].some((box) => box.scrollHeight > box.clientHeight + 1)
  );
}

function fit(slide) {
  for (let size = 1; overflows(slide) && size > SMALLEST; size -= 0.05)
    slide.style.fontSize = `${size - 0.05}em`;
}

async function start() {
  Reveal.on("ready", ({ currentSlide }) => fit(currentSlide));
  Reveal.on("slidechanged", ({ currentSlide }) => fit(currentSlide));
  await Reveal.initialize({
    ...FRAME,
    center: false,
    controls: false,
    hash: true,
    margin: 0,
    plugins: [RevealNotes],
    slideNumber: "c/t",
    transition: "none",
  });
}

window.addEventListener("load", start);
