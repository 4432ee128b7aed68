"""A small built book of three pages, as the tools for paper and slides meet one."""

import shutil

from project import ROOT

PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<link rel="stylesheet" type="text/css" href="../../_static/pygments.css?v=1" /></head>
<body><nav>Menu</nav><article class="bd-article">{body}</article></body></html>"""
SVG = """<svg class="figure" role="img" aria-label="A line." viewBox="0 0 90 60"
 style="width: 90pt"><defs><path id="f0-p" d="M0 0L{end} 60"/></defs>
<use href="#f0-p" stroke="#0072b2"/></svg>"""
FIGURE = """<div class="cell tag_hide-input{tags} docutils container">
<details class="admonition hide above-input"><summary>Show code cell source</summary>
<div class="cell_input"><div class="highlight"><pre>draw_{name}()</pre></div></div></details>
<div class="cell_output"><figure id="fig-{name}">{svg}<p class="figure-data">Data</p><figcaption><p>
<span class="caption-number">Fig. {number} </span><span class="caption-text">A line.</span></p>
</figcaption></figure></div></div>"""
CELL = """<div class="cell{tags} docutils container">
<div class="cell_input"><div class="highlight"><pre>{code}</pre></div></div>
<div class="cell_output"><div class="output"><pre>{output}</pre></div></div></div>"""
ASK = """<div class="predict admonition" id="q-{name}"><p class="admonition-title">Predict</p>
<p>How far, of {name}?</p><ul class="simple"><li><p>near</p></li><li><p>far</p></li></ul>
<details class="answer" data-right="2"><summary>Answer</summary><p>Far, says {name}.</p></details>
</div>"""
FORMULA = r"""<div class="math notranslate" id="equation-eq-{name}">
<span class="eqno">({number})</span>\[ \theta \leftarrow \theta - \eta\, g \]</div>"""
EXERCISE = """<div class="exercise admonition" id="ex-{name}"><p class="admonition-title">
Exercise {number}</p><section id="exercise-content"><p>Go home.</p></section></div>
<div class="dropdown admonition hint"><p class="admonition-title">Hint</p><p>By bus.</p></div>
<div class="cell tag_attempt docutils container"><div class="cell_input"><pre>home = ...</pre></div>
<div class="cell_output"><pre>not answered yet</pre></div></div>
<div class="solution dropdown admonition" id="book/solution-{name}"><p class="admonition-title">
Solution to <a href="#ex-{name}">Exercise {number}</a></p>
<section id="solution-content"><p>Home of {name}.</p></section></div>"""
AROUND = """<p class="runs">These cells run here.</p>{body}
<section class="provenance"><p>What made the numbers</p></section>"""


def chapter(name, number, title, end=80):
    """Return a page with a bit of everything."""
    figure = FIGURE.format(name=name, number=number, svg=SVG.format(end=end), tags="")
    return AROUND.format(
        body=f"""<section id="top"><h1>{title}<a class="headerlink" href="#top">#</a></h1>
<p><strong>The thesis of {name}.</strong></p>{ASK.format(name=name)}{figure}
<section id="the-rule"><h2>The rule</h2>{FORMULA.format(name=name, number=number)}
{ASK.format(name=name + "-2")}{CELL.format(tags="", code="print(4)", output="4")}
<p>See <a href="03-algorithm.html#fig-p">the primer</a>.</p></section>
<section id="exercises"><h2>Exercises</h2>{EXERCISE.format(name=name, number=number)}</section>
<section id="take-aways"><h2>Take-aways</h2><ul><li><p>Go.</p></li></ul></section></section>"""
    ).replace(
        "03-algorithm.html", "../primer/03-algorithm.html" if name == "c" else "03-algorithm.html"
    )


def write(root):
    """Write the book and return its folder."""
    (root / "_config.yml").write_text('title: "A Book"\nauthor: Somebody\n', "utf8")
    (root / "_toc.yml").write_text(
        "root: book/index\nparts:\n"
        "  - {caption: 'The primer: quick', chapters: [{file: book/primer/03-algorithm}]}\n"
        "  - {caption: 'The course', chapters: [{file: book/course/02-mathematics}]}\n",
        "utf8",
    )
    site = root / "_build" / "html"
    for name in ("primer", "course"):
        (site / "book" / name).mkdir(parents=True)
    shutil.copytree(ROOT / "book" / "_static" / "katex", site / "_static" / "katex")
    (site / "_static" / "pygments.css").write_text("pre { color: #111 }", "utf8")
    (site / "index.html").write_text("", "utf8")
    front = '<section id="top"><h1>A Book</h1><p><strong>All is one.</strong></p></section>'
    put(root, "book/index", front)
    put(root, "book/primer/03-algorithm", chapter("p", "P3.1", "Four lines"))
    put(root, "book/course/02-mathematics", chapter("c", "2.1", "Mathematics", end=20))
    return root


def put(root, name, body):
    """Write a page of the book."""
    page = PAGE.format(body=body)
    if name == "book/index":
        page = page.replace("../../_static", "../_static")
    (root / "_build" / "html" / f"{name}.html").write_text(page, "utf8")


def edit(root, name, old, new):
    """Replace a text of a page, wherever it stands."""
    path = root / "_build" / "html" / f"{name}.html"
    text = path.read_text("utf8")
    assert old in text
    path.write_text(text.replace(old, new), "utf8")
