#!/usr/bin/env python3
"""Renders templates with data/*.json into out/, takes screenshots, runs axe-core, and checks what can be checked.

  render.py [--html] [--shots] [name …]     names are those of data files, without .json; default: all, html + axe
Needs: jinja2, playwright (pip), chromium (apt), axe-core (npm; AXE=/path/to/axe.min.js).
"""
import collections, glob, http.server, json, os, re, sys, threading, time
import jinja2
HERE = os.path.dirname(os.path.abspath(__file__))
AXE = os.environ.get('AXE', 'node_modules/axe-core/axe.min.js')
CSP = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'"

class View:
    """A view model: fields by name only, as in a Rust struct."""
    def __init__(self, d): self.__dict__.update({k: wrap(v) for k, v in d.items()})
def wrap(v): return View(v) if isinstance(v, dict) else [wrap(x) for x in v] if isinstance(v, list) else v
class Texts:
    def __init__(self, lang): self.all = json.load(open(f'{HERE}/text/{lang}.json'))
    def get(self, key): return self.all[key]

# ---- static checks ----------------------------------------------------------------------------
def structs():
    """The structs of VIEWS.md: {name: {field: type}} and {data file stem: struct}."""
    text = open(f'{HERE}/VIEWS.md').read()
    out, pages = {}, {}
    for block in re.findall(r'```rust\n(.*?)```', text, re.S):
        for page, name, body in re.findall(r'(?:// page: (\S+)\n)?struct (\w+) \{(.*?)\n?\}', block, re.S):
            body = re.sub(r'//.*', '', body)
            out[name] = dict(re.findall(r'(?:r#)?(\w+): ([\w<>]+)', body))
            if page: pages[page] = name
    return out, pages
def check_type(value, kind, path, defs, bad):
    if kind == 'String': ok = isinstance(value, str)
    elif kind == 'bool': ok = isinstance(value, bool)
    elif kind == 'i32': ok = isinstance(value, int) and not isinstance(value, bool)
    elif kind.startswith('Vec<'):
        ok = isinstance(value, list)
        if ok:
            for i, x in enumerate(value): check_type(x, kind[4:-1], f'{path}[{i}]', defs, bad)
    else:
        ok = isinstance(value, dict) and kind in defs
        if ok:
            for f in defs[kind].keys() - value.keys(): bad.add(f'{path}.{f} missing ({kind})')
            for f in value.keys() - defs[kind].keys(): bad.add(f'{path}.{f} is not in {kind}')
            for f in defs[kind].keys() & value.keys(): check_type(value[f], defs[kind][f], f'{path}.{f}', defs, bad)
    if not ok: bad.add(f'{path} is not {kind}')
def static_checks():
    bad = set()
    zh, en = (json.load(open(f'{HERE}/text/{l}.json')) for l in ('zh', 'en'))
    for k in zh.keys() ^ {k for k in en if not k.endswith('.one')}: bad.add(f'text only in one language: {k}')
    for k in en:
        if k.endswith('.one') and k[:-4] not in zh: bad.add(f'{k} without its plural')
    for k in zh:
        if set(re.findall(r'\{\w+\}', zh[k])) != set(re.findall(r'\{\w+\}', en[k])): bad.add(f'other slots: {k}')
    for f in glob.glob(f'{HERE}/templates/*.html'):
        s, name = open(f).read(), os.path.basename(f)
        for k in re.findall(r't\.get\("(.*?)"\)', s):
            if k not in zh: bad.add(f'{name}: no text {k}')
            elif '{' in zh[k]: bad.add(f'{name}: {k} has slots')
        for why, rule in {'inline style': r'<[^>]*\sstyle=', 'event handler': r'<[^>]*\son\w+=', 'inline script': r'<script(?![^>]*src=)', 'let/set': r'\{%-? *(let|set) ', 'and/or/not (askama has none)': r'\{%[^%]* (and|or|not|is|in) (?!v\.|shell\.|[a-z]+\.|[a-z_]+ %)[^%]*%\}', 'filter': r'\{\{[^}]*\|(?!safe)', 'python': r'\[["\']'}.items():
            if re.search(rule, s): bad.add(f'{name}: {why}: {re.search(rule, s).group(0)[:60]}')
        bare = re.sub(r'\{[%{#].*?[%}#]\}', '', re.sub(r'<!--.*?-->', '', s), flags=re.S)
        for word in re.findall(r'>([^<]*[A-Za-z\u4e00-\u9fff][^<]*)<', bare): bad.add(f'{name}: words outside the catalogue: {word.strip()[:40]}')
        for i in set(re.findall(r'#i-([\w-]+)"', s)):
            if f'id="i-{i}"' not in open(f'{HERE}/templates/_icons.html').read(): bad.add(f'{name}: no icon {i}')
    icons = open(f'{HERE}/templates/_icons.html').read()
    def walk(x, where):
        if isinstance(x, dict):
            for k, v in x.items():
                if k.endswith('icon') and isinstance(v, str) and v and f'id="i-{v}"' not in icons: bad.add(f'{where}: no icon {v}')
                walk(v, where)
        elif isinstance(x, list):
            for v in x: walk(v, where)
    if os.path.exists(f'{HERE}/VIEWS.md'):
        defs, pages = structs()
        for f in sorted(glob.glob(f'{HERE}/data/*.json')):
            stem = os.path.basename(f).split('.')[0]; d = json.load(open(f))
            walk(d, os.path.basename(f))
            if stem not in pages: bad.add(f'VIEWS.md has no struct for {stem}'); continue
            check_type(d['v'], pages[stem], os.path.basename(f), defs, bad); check_type(d['shell'], 'Shell', os.path.basename(f) + ' shell', defs, bad)
    for b in sorted(bad): print('CHECK', b)
    return len(bad)

# ---- rendering ------------------------------------------------------------------------------------
def render(names):
    env = jinja2.Environment(loader=jinja2.FileSystemLoader(f'{HERE}/templates'), autoescape=True, undefined=jinja2.StrictUndefined)
    os.makedirs(f'{HERE}/out', exist_ok=True)
    for name in names:
        d = json.load(open(f'{HERE}/data/{name}.json'))
        lang = 'en' if d['shell']['lang'] == 'en' else 'zh'
        html = env.get_template(name.split('.')[0] + '.html').render(shell=wrap(d['shell']), v=wrap(d['v']), t=Texts(lang))
        open(f'{HERE}/out/{name}.html', 'w').write(re.sub(r'\n\s*\n+', '\n', html))

class Server(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *a): super().__init__(*a, directory=HERE)
    def translate_path(self, path):
        path = path.split('?')[0]
        return HERE + (path if path.startswith('/static/') else '/out' + path + '.html')
    def do_GET(self):
        if self.path != '/events': return super().do_GET()
        self.send_response(200); self.send_header('Content-Type', 'text/event-stream'); self.end_headers()
        try:
            while True: self.wfile.write(b': still here\n\n'); self.wfile.flush(); time.sleep(1)
        except OSError: pass
    def end_headers(self):
        self.send_header('Content-Security-Policy', CSP); super().end_headers()
    def guess_type(self, path): return super().guess_type(path) + ('; charset=utf-8' if path.endswith(('html', 'css', 'js')) else '')
    def log_message(self, *a): pass

# Touch targets below 44 px (links inside a sentence are exempt), sideways scrolling, duplicate ids.
PROBE = r"""() => {
  const out = [];
  if (document.documentElement.scrollWidth > innerWidth) {
    const wide = [...document.querySelectorAll('main *, .top *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll, .views, .vh')).slice(0, 3).map(e => e.tagName + '.' + e.className);
    out.push('sideways scrolling: ' + wide.join(' '));
  }
  const seen = {};
  for (const e of document.querySelectorAll('[id]')) { if (seen[e.id]) out.push('id twice: ' + e.id); seen[e.id] = 1; }
  for (const e of document.querySelectorAll('a[href], button, summary, select, input:not([type=hidden]), textarea')) {
    if (!e.offsetParent || e.closest('.skip, .vh') || e.matches('.skip, [type=radio], [type=checkbox]')) continue;
    let h = e.getBoundingClientRect().height;
    const after = getComputedStyle(e, '::after'); if (after.position === 'absolute' && after.content !== 'none') continue;
    const inline = getComputedStyle(e).display === 'inline' && e.closest('p, .say, dd, li, .note, h3, th, td');
    if (h < 43.5 && !inline && !e.closest('svg')) out.push('small target ' + Math.round(h) + 'px: ' + e.outerHTML.slice(0, 90));
  }
  return out;
}"""
def browse(names, shots):
    from playwright.sync_api import sync_playwright
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    root = f'http://127.0.0.1:{server.server_port}'
    axe = open(AXE).read(); found = 0; seen = collections.Counter()
    os.makedirs(f'{HERE}/out/shots', exist_ok=True)
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path='/usr/bin/chromium', args=['--no-sandbox'])
        for width, height in ((375, 812), (1280, 900)):
            for scheme in os.environ.get('SCHEMES', 'light dark').split():
                context = browser.new_context(viewport=dict(width=width, height=height), color_scheme=scheme, reduced_motion='reduce')
                page = context.new_page()
                page.on('console', lambda m: m.type == 'error' and '/events' not in m.text + str(m.location) and seen.update([f'console: {m.text[:160]}']))
                page.on('pageerror', lambda e: seen.update([f'script: {e}']))
                for name in names:
                    page.goto(f'{root}/{name}', wait_until='load')
                    for v in page.evaluate(f'async () => {{ {axe}; return (await axe.run(document, {{resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}})).violations.map(v => [v.id, v.impact, v.nodes.length, v.nodes[0].html.slice(0, 160), (v.nodes[0].any[0] || v.nodes[0].all[0] || v.nodes[0].none[0] || {{}}).message]) }}'):
                        found += 1; print(f'AXE {name} {width} {scheme}: {v[0]} ({v[1]}) x{v[2]}: {v[3]} | {v[4]}')
                    if scheme == 'light':
                        for x in page.evaluate(PROBE): found += 1; print(f'PROBE {name} {width}: {x}')
                    if shots:
                        page.screenshot(path=f'{HERE}/out/shots/{name}-{width}-{scheme}.png')
                        tall = page.evaluate('document.documentElement.scrollHeight')
                        if tall > height: page.set_viewport_size(dict(width=width, height=tall))
                        page.screenshot(path=f'{HERE}/out/shots/{name}-{width}-{scheme}-full.png')
                        if tall > height: page.set_viewport_size(dict(width=width, height=height))
                context.close()
        browser.close()
    for k, n in seen.items(): found += 1; print('BROWSER', n, k)
    return found

if __name__ == '__main__':
    args = [a for a in sys.argv[1:] if not a.startswith('--')]
    names = args or sorted(os.path.basename(f)[:-5] for f in glob.glob(f'{HERE}/data/*.json'))
    bad = static_checks()
    render(names)
    if '--html' not in sys.argv: bad += browse(names, '--shots' in sys.argv)
    big = max((os.path.getsize(f'{HERE}/out/{n}.html'), n) for n in names)
    size = {f: os.path.getsize(f'{HERE}/static/{f}') for f in ('console.css', 'console.js')}
    print(f'{len(names)} pages; css {size["console.css"]} B, js {size["console.js"]} B, largest page {big[1]} {big[0]} B, first visit at most {sum(size.values()) + big[0]} B')
    print('no violations' if not bad else f'{bad} found'); sys.exit(bool(bad))
