#!/usr/bin/env python3
"""Tries console.js in Chromium: live swap, focus, forms left alone, dialog, kept text, "/" key. Run render.py --html first."""
import http.server, threading, queue, time, urllib.parse
import render
from playwright.sync_api import sync_playwright
EVENTS, POSTS = queue.Queue(), []
CHANGE = {}
class Server(render.Server):
    def do_GET(self):
        if self.path == '/events':
            self.send_response(200); self.send_header('Content-Type', 'text/event-stream'); self.end_headers()
            try:
                while True:
                    try: self.wfile.write(EVENTS.get(timeout=.2).encode())
                    except queue.Empty: self.wfile.write(b': .\n\n')
                    self.wfile.flush()
            except OSError: return
        path = self.translate_path(self.path)
        if path.endswith('.html') and CHANGE:
            text = open(path).read()
            for a, b in CHANGE.items(): text = text.replace(a, b)
            body = text.encode()
            self.send_response(200); self.send_header('Content-Type', 'text/html; charset=utf-8'); self.send_header('Content-Length', str(len(body))); self.end_headers(); self.wfile.write(body); return
        super().do_GET()
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length'])).decode()
        POSTS.append((self.path, urllib.parse.parse_qs(body)))
        self.send_response(303); self.send_header('Location', '/more'); self.end_headers()
def event(topic, data='{}'): EVENTS.put(f'event: {topic}\ndata: {data}\n\n')
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
root = f'http://127.0.0.1:{server.server_port}'
def ok(what, value): print('ok  ' if value else 'FAIL', what); assert value, what
with sync_playwright() as p:
    browser = p.chromium.launch(executable_path='/usr/bin/chromium', args=['--no-sandbox'])
    page = browser.new_page(viewport=dict(width=1280, height=900))
    wrong = []; page.on('pageerror', lambda e: wrong.append(str(e)))
    page.goto(root + '/record'); time.sleep(.5)
    # a live swap keeps the focus and the scroll
    page.focus('a[href="/record/t4"]'); page.evaluate('scrollTo(0, 300)')
    top = page.evaluate('scrollY'); page.fill('#say', '正在写一句'); page.focus('a[href="/record/t4"]'); page.evaluate(f'scrollTo(0, {top})')
    CHANGE['打 95598 报修'] = '打 95598 报修（已打通）'
    began = time.time(); event('records', '{"line": "周炳添 刚刚改了这条", "at": ["/record"]}')
    page.wait_for_selector('text=已打通', timeout=5000); print(f'     swapped {1000 * (time.time() - began):.0f} ms after the event')
    ok('focus kept', page.evaluate('document.activeElement.getAttribute("href")') == '/record/t4')
    ok('scroll kept', page.evaluate('scrollY') == top)
    ok('typed comment kept', page.input_value('#say') == '正在写一句')
    ok('change is read out', page.text_content('#live-say') == '周炳添 刚刚改了这条')
    # a part in which something is chosen is left alone; the bar says so
    page.check('#pick-urgency-2'); CHANGE['两个人写的不同'] = '三个人写的不同'
    event('records', '{"line": "李桂兰 刚刚改了这条"}'); page.wait_for_selector('.livebar', timeout=5000)
    ok('conflict box left alone', page.locator('h2:has-text("三个人写的不同")').count() == 0 and page.is_checked('#pick-urgency-2'))
    ok('bar says who', '李桂兰 刚刚改了这条' in page.text_content('.livebar'))
    # unsaved text comes back after a reload
    page.reload(); time.sleep(.3)
    ok('typed text comes back', page.input_value('#say') == '正在写一句')
    # dangerous button
    page.click('text=删除这条记录'); ok('dialog is open', page.is_visible('#dlg-erase'))
    page.click('#dlg-erase >> text=先不要'); time.sleep(.2); ok('nothing sent', not POSTS)
    page.click('text=删除这条记录'); page.click('#dlg-erase [value=yes]'); page.wait_for_url('**/more')
    ok('erase sent and confirmed', POSTS[-1][0].endswith('/erase') and POSTS[-1][1].get('confirmed') == ['yes'] and 'csrf' in POSTS[-1][1])
    # "/" goes to the search box
    page.keyboard.press('/'); ok('"/" focuses search', page.evaluate('document.activeElement.id') == 'find-top')
    # held: release needs no dialog, discard does
    page.goto(root + '/held'); page.locator('[value=discard]').first.click(); ok('discard asks', page.locator('dialog[open]').count() == 1)
    page.locator('dialog[open] [value=yes]').click(); page.wait_for_url('**/more'); ok('discard sent with its button', POSTS[-1][1].get('do') == ['discard'])
    page.goto(root + '/held'); page.locator('[value=release]').first.click(); page.wait_for_url('**/more'); ok('release sent at once', POSTS[-1][1].get('do') == ['release'])
    # a form being edited is never touched
    page.goto(root + '/form'); time.sleep(.5); page.fill('#in-findings', '我正在写'); event('records', '{"line": "王芳 刚刚改了这条", "at": ["/form"]}')
    page.wait_for_selector('.livebar'); ok('form untouched, bar shown', page.input_value('#in-findings') == '我正在写' and '王芳' in page.text_content('.livebar'))
    page.click('[value=save]'); page.wait_for_url('**/more'); page.goto(root + '/form'); ok('sent text is not restored', page.input_value('#in-findings') != '我正在写')
    # without script
    plain = browser.new_context(java_script_enabled=False).new_page(); plain.goto(root + '/record')
    ok('readable without script', plain.is_visible('text=送到哪儿了')); plain.fill('#say', '一句话'); plain.click('button:has-text("留言")'); ok('comment sent without script', POSTS[-1][1]['text'] == ['一句话'])
    ok('no script errors', not wrong) ; browser.close()
print('all passed')
