/** The editor for definitions: CodeMirror with what the cluster's schema knows. */
import { autocompletion, closeBrackets, type Completion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { linter, lintGutter, type Diagnostic } from '@codemirror/lint';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { EditorState, type Extension, type Text } from '@codemirror/state';
import { EditorView, highlightActiveLine, highlightActiveLineGutter, hoverTooltip, keymap, lineNumbers, type Tooltip } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { typeWords, type KindSchema, type Schema } from './schema.ts';
import { findProblems, type Finding } from './validate.ts';
import { placeAt } from './yaml-path.ts';

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent-text)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword, tags.atom], color: 'var(--busy)' },
  { tag: tags.comment, color: 'var(--text-faint)', fontStyle: 'italic' },
  { tag: [tags.punctuation, tags.separator], color: 'var(--text-soft)' },
]);

/** How all editors and comparisons look. */
export const look: Extension = [
  syntaxHighlighting(colours),
  EditorView.theme({
    '&': { height: '100%', backgroundColor: 'var(--surface-card)', color: 'var(--text)', fontSize: 'var(--size-12)' },
    '&.cm-focused': { outline: '2px solid var(--focus)', outlineOffset: '-2px' },
    '.cm-scroller': { fontFamily: 'var(--font-mono)', lineHeight: '1.55' },
    '.cm-content': { caretColor: 'var(--text)' },
    '.cm-cursor': { borderLeftColor: 'var(--text)' },
    '.cm-gutters': { backgroundColor: 'var(--surface-page)', color: 'var(--text-faint)', borderRight: '1px solid var(--border)' },
    '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'color-mix(in srgb, var(--surface-hover) 55%, transparent)' },
    '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'color-mix(in srgb, var(--accent) 35%, transparent)' },
    '.cm-tooltip': { border: '1px solid var(--border)', borderRadius: 'var(--radius)', backgroundColor: 'var(--surface-raised)', color: 'var(--text)', boxShadow: 'var(--shadow-raised)' },
    '.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent-soft)', color: 'var(--accent-text)' },
    '.cm-panels': { backgroundColor: 'var(--surface-raised)', color: 'var(--text)' },
    '.cm-panels input, .cm-panels button': { border: '1px solid var(--border)', borderRadius: '4px', backgroundColor: 'var(--surface-card)', backgroundImage: 'none', color: 'var(--text)' },
    '.cm-foldPlaceholder': { border: '0', backgroundColor: 'var(--surface-hover)', color: 'var(--text-soft)' },
    '.cm-changedLine': { backgroundColor: 'color-mix(in srgb, var(--good) 12%, transparent) !important' },
    '.cm-deletedChunk': { backgroundColor: 'color-mix(in srgb, var(--bad) 12%, transparent)' },
    '.cm-collapsedLines': { padding: '2px 8px', backgroundColor: 'var(--surface-hover)', backgroundImage: 'none', color: 'var(--text-soft)' },
    '.cm-collapsedLines::before, .cm-collapsedLines::after': { content: "''" },
    '.cm-schema-doc': { maxWidth: '440px', padding: '8px 10px', fontFamily: 'var(--font)', fontSize: 'var(--size-12)', lineHeight: '1.45', whiteSpace: 'pre-line' },
    '.cm-schema-doc strong': { display: 'block', fontWeight: '600' },
  }),
];

export interface EditorOptions {
  parent: HTMLElement;
  text: string;
  readOnly: boolean;
  schema: () => KindSchema | undefined;
  /** What is wrong with the text; default: what the schema says. */
  problems?: (text: string) => Finding[];
  /** The Tab key leads out of it, as out of any field of a form. */
  tabLeaves?: boolean;
  changed: (text: string) => void;
  /** Ctrl/Cmd-S. */
  save: () => void;
  label: string;
}

export function createEditor({ parent, text, readOnly, schema, problems, tabLeaves = false, changed, save, label }: EditorOptions): EditorView {
  const find = problems ?? ((written: string) => findProblems(written, schema()));
  const state = EditorState.create({
    doc: text,
    extensions: [
      ...[lineNumbers(), foldGutter(), history(), indentOnInput(), bracketMatching(), closeBrackets(), highlightActiveLine(), highlightActiveLineGutter()],
      ...[highlightSelectionMatches(), search({ top: true }), yaml(), indentUnit.of('  '), look, hover(schema), EditorView.lineWrapping],
      keymap.of([{ key: 'Mod-s', preventDefault: true, run: () => (save(), true) }, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...(tabLeaves ? [] : [indentWithTab])]),
      // Focus also where it is read only, to scroll by keys.
      EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', tabindex: '0' }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) changed(update.state.doc.toString());
      }),
      readOnly
        ? [EditorState.readOnly.of(true)]
        : [autocompletion({ override: [(context) => complete(context, schema())], icons: false }), linter((view) => lint(view, find)), lintGutter()],
    ],
  });
  return new EditorView({ parent, state });
}

/** Puts another text in the place of what is there; what is the same stays, with the cursor in it. */
export function setText(view: EditorView, text: string): void {
  const old = view.state.doc.toString();
  if (old === text) return;
  let from = 0;
  while (from < old.length && from < text.length && old[from] === text[from]) from += 1;
  let back = 0;
  while (back < old.length - from && back < text.length - from && old.at(-1 - back) === text.at(-1 - back)) back += 1;
  view.dispatch({ changes: { from, to: old.length - back, insert: text.slice(from, text.length - back) } });
}

const lint = (view: EditorView, find: (text: string) => Finding[]): Diagnostic[] => {
  const { length } = view.state.doc;
  return find(view.state.doc.toString()).map(({ from, to, ...rest }) => ({ ...rest, from: Math.min(from, length), to: Math.min(to, length) }));
};

const linesOf = (text: Text): string[] => text.toJSON();

function complete(context: CompletionContext, schema: KindSchema | undefined): CompletionResult | null {
  if (!schema) return null;
  const line = context.state.doc.lineAt(context.pos);
  const place = placeAt(linesOf(context.state.doc), line.number - 1, context.pos - line.from);
  const word = context.matchBefore(/[\w./-]*$/);
  const from = word?.from ?? context.pos;
  if (!context.explicit && from === context.pos && !place.inValue) return null;
  const options = place.inValue ? values(schema.at([...place.path, place.key])) : keys(schema, place.path);
  return options.length === 0 ? null : { from, options, validFor: /^[\w./-]*$/ };
}

function keys(schema: KindSchema, path: readonly (string | number)[]): Completion[] {
  const here = schema.at(path);
  return Object.entries(here?.properties ?? {}).map(([label, raw]) => {
    const property = schema.resolve(raw);
    const nested = property.type === 'object' || property.properties !== undefined;
    return {
      label,
      apply: property.type === 'array' || nested ? `${label}:` : `${label}: `,
      detail: typeWords(property),
      boost: here?.required?.includes(label) ? 1 : 0,
      ...(property.description === undefined ? {} : { info: property.description }),
    };
  });
}

function values(schema: Schema | undefined): Completion[] {
  if (schema?.enum) return schema.enum.map((value) => ({ label: String(value) }));
  return schema?.type === 'boolean' ? [{ label: 'true' }, { label: 'false' }] : [];
}

function hover(schema: () => KindSchema | undefined): Extension {
  return hoverTooltip((view, pos): Tooltip | null => {
    const line = view.state.doc.lineAt(pos);
    const known = schema();
    const { path, key } = placeAt(linesOf(view.state.doc), line.number - 1, line.text.length);
    const start = line.from + line.text.indexOf(key);
    const found = known && key !== '' && pos >= start && pos <= start + key.length ? known.at([...path, key]) : undefined;
    if (!found) return null;
    return {
      pos: start,
      end: start + key.length,
      create: () => {
        const dom = document.createElement('div');
        dom.className = 'cm-schema-doc';
        const title = document.createElement('strong');
        title.textContent = `${key}: ${typeWords(found)}`;
        dom.append(title, found.description ?? 'The cluster does not describe this field.');
        return { dom };
      },
    };
  });
}
