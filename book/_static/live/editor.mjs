// A Python editor in place of a cell's code, loaded at the first edit.
import {
  EditorState, EditorView, HighlightStyle, defaultKeymap, drawSelection, history, historyKeymap,
  indentUnit, keymap, python, syntaxHighlighting, tags,
} from "./codemirror.mjs";

// The page's own colours, light or dark.
const colors = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--live-keyword)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--live-string)" },
  { tag: tags.comment, color: "var(--live-comment)", fontStyle: "italic" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--live-number)" },
]);

export function makeEditor(parent, text, { changed, run }) {
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        keymap.of([{ key: "Shift-Enter", run: () => (run(), true) }]),
        history(),
        drawSelection(),
        python(),
        indentUnit.of("    "),
        syntaxHighlighting(colors),
        keymap.of([...defaultKeymap, ...historyKeymap]), // Tab leaves the editor: no keyboard trap
        EditorView.contentAttributes.of({ "aria-label": "Python code of this cell", tabindex: "0" }),
        EditorView.updateListener.of((update) => update.docChanged && changed(update.state.doc.toString())),
      ],
    }),
  });
  return {
    focus: () => view.focus(),
    setText: (source) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: source } }),
  };
}
