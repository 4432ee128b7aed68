"""What a figure that moves and its Python must agree in, and a view to try."""

#: A view of each figure other than the first.
VIEWS = {
    "ravine": "?ravine.kappa=100&ravine.angle=30&ravine.noise=0.1&ravine.schedule=cosine",
    "average": "?average.rho=0.5&average.corrected=true&average.gradients=1 -2 3.5 0 0.25",
    "switches": "?switches.place=behind&switches.nesterov=true&switches.corrected=false",
    "reddi": "?reddi.c=5&reddi.rho=0.3&reddi.steps=300",
    "translator": "?translator.source=torch&translator.epsilon=0.01&translator.schedule=constant",
    "records": "?records.data=vowels&records.method=Adam&records.rate=0.03",
}
#: What a figure's module computes of a state, the same in its Python, and to how many digits they
#: agree: longer runs in a ravine are shown to the step up to which rounding stays small.
NUMBERS = {
    "ravine": ("runs(state).rmsprop.losses.slice(0, 31)", "path.losses[:31]", 1e-10),
    "average": ("averages(state).v", "v", 1e-12),
    "switches": (
        "run(state).losses.slice(0, 31)",
        "axes.lines[-1].get_ydata()[:31]",
        1e-10,
    ),
    "reddi": ("run(state).points", "one.parameters", 1e-12),
    "translator": (
        "paths(state).translations.map(({ path }) => path)",
        "[line.get_ydata() for line in axes.lines[1:]]",
        1e-10,
    ),
    "records": (
        "choose(state).chosen.flatMap(({ loss }) => loss)",
        "np.concatenate([line.get_ydata() for line in epochs.lines])",
        1e-3,  # four digits travel to the browser
    ),
}


def module(page, name, call):
    """Return what a function of a figure's module says of the state on the page."""
    script = page.locator("script[src*='figures/start.mjs']").evaluate("script => script.src")
    return page.evaluate(
        f"""async ([script, state]) =>
            (await import(new URL({f"./{name}.mjs"!r}, script))).{call}""",
        [script, state(page, name)],
    )


def state(page, name):
    """Return the settings of a figure, as the address names them or as at first."""
    return page.locator(f".moving-stage[data-moving={name}]").evaluate(
        """(stage) => {
          const state = JSON.parse(stage.dataset.settings);
          const address = new URL(stage.querySelector(".moving-link").href);
          for (const [key, text] of address.searchParams) {
            const [, name] = key.split(".");
            if (!(name in state)) continue;
            state[name] = Array.isArray(state[name]) ? text.split(" ").map(Number)
              : typeof state[name] === "string" ? text : JSON.parse(text);
          }
          return state;
        }"""
    )
