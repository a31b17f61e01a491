#!/usr/bin/env python3
"""Writes data/*.json: sample view models. Sentences come from the catalogues, record contents are literal."""
import json, os, datetime
HERE = os.path.dirname(os.path.abspath(__file__))
CAT = {l: json.load(open(f'{HERE}/text/{l}.json')) for l in ('zh', 'en')}
USED = set()
lang = 'zh'
def L(zh, en): return zh if lang == 'zh' else en
def S(key, **kw):
    k = 'console.' + key; USED.add(k)
    if lang == 'en' and str(kw.get('n')) == '1' and k + '.one' in CAT['en']: k += '.one'; USED.add(k)
    s = CAT[lang][k]
    for a, b in kw.items(): s = s.replace('{%s}' % a, str(b))
    assert '{' not in s, (k, s)
    return s
def W(d=None, t=None):  # "9月17日 09:12" / "17 Sep 09:12"; today = only the time
    if d is None: return L(f'今天 {t}', f'today {t}')
    m, dd = d
    mon = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split()[m-1]
    return L(f'{m}月{dd}日', f'{dd} {mon}') + (f' {t}' if t else '')
P = dict(wang=('王芳','Wang Fang'), li=('李芳','Li Fang'), he=('何婉仪','He Wanyi'), chen=('陈小明','Chen Xiaoming'), aunt=('李桂兰','Li Guilan'), zhou=('周炳添','Zhou Bingtian'),
  huang=('黄丽珍','Huang Lizhen'), liang=('梁志强','Liang Zhiqiang'), deng=('邓翠莲','Deng Cuilian'), feng=('冯永光','Feng Yongguang'), mai=('麦淑贤','Mai Shuxian'), luo=('罗子轩','Luo Zixuan'), guan=('关少琼','Guan Shaoqiong'), ye=('叶嘉乐','Ye Jiale'))
def N(k): return L(*P[k])
def I(k): return P[k][0][0] if lang == 'zh' else P[k][1][0]
V = dict(ld=('良登村','Liangdeng'), lx=('朗心村','Langxin'), xj=('下滘村','Xiajiao'), za=('中安村',"Zhong'an"), xa=('西岸村',"Xi'an"), xn=('下安村',"Xia'an"), cm=('公共','commons'))
def VL(k): return L(*V[k])
ROLE = dict(owner=('所有者','owner'), coordinator=('协调员','coordinator'), lead=('村负责人','lead'), volunteer=('志愿者','volunteer'), observer=('观察员','observer'))
def R(k, v=None):
    r = L(*ROLE[k])
    return r if v is None else L(f'{r}（{VL(v)}）', f'{r} of {VL(v)}')
KIND = dict(visit=('入户走访','Home visit','home'), need=('居民需求','Need','need'), proposal=('提案','Proposal','proposal'), activity=('活动','Activity','activity'), task=('任务','Task','task'), hours=('服务时长','Hours','hours'),
  household=('住户','Household','home'), resident=('居民','Resident','person'), consent=('知情同意','Consent','consent'), session=('分享会','Session','session'), resolution=('决议','Resolution','agree'), training=('培训','Training','training'), commendation=('表彰','Commendation','medal'), place=('地点','Place','pin'))
def K(k): return L(KIND[k][0], KIND[k][1])
def shell(section='today', me='wang', role='coordinator', live='', sync='good', **kw):
    nav = []
    def item(sec, href, icon, show='both', count='', group=''):
        nav.append(dict(section=sec, href=href, icon=icon, label=S('nav.'+sec), show=show, current=sec == section, has_count=bool(count), count=count, count_words=S('nav.waiting', n=count) if count else '', starts_group=bool(group), group=group))
    item('today', '/today', 'today', count='9' if role == 'coordinator' else '2')
    item('records', '/records', 'list')
    item('new', '/new', 'plus')
    item('session', '/session', 'session', 'wide')
    item('reports', '/reports', 'chart', 'wide')
    item('sync', '/sync', 'sync', group=S('nav.group.people'))
    item('members', '/members', 'people', 'wide')
    item('more', '/more', 'more', 'phone')
    item('import', '/import', 'import', 'wide', group=S('nav.group.station'))
    item('communities', '/communities', 'communities', 'wide')
    item('audit', '/audit', 'audit', 'wide')
    item('settings', '/settings', 'settings', 'wide')
    if section in ('import','communities','audit','settings','members','reports','session'):
        for n in nav: n['current'] = n['current'] or n['section'] == 'more'
    tone, icon, line, short = dict(good=('good','check',S('pill.all'),S('pill.all_short')), warn=('warn','clock',S('pill.waiting', n=3),S('pill.waiting_short', n=3)), bad=('bad','offline',S('pill.offline'),S('pill.offline_short')))[sync]
    d = dict(lang=L('zh-CN','en'), content_lang=L('zh-CN','en'), theme='auto', text='normal', community=L('丹灶志愿服务站','Danzao volunteer station'), me=N(me), me_initial=I(me), my_role=R(role), section=section, asset='1', csrf='3f9ac27d', back='/'+section,
      live=live, sync_tone=tone, sync_icon=icon, sync_line=line, sync_short=short, nav=nav, has_flash=False, flash_tone='', flash_icon='', flash='', can_undo=False, undo_action='')
    d.update(kw); return d
def put(name, sh, v):
    json.dump(dict(shell=sh, v=v), open(f'{HERE}/data/{name}.json', 'w'), ensure_ascii=False, indent=1)
def person(k, line, tone, icon, word, detail): return dict(initial=I(k) if k in P else k, line=line, tone=tone, icon=icon, word=word, detail=detail)
def num(value, unit, label, note, href): return dict(value=value, unit=unit, label=label, note=note, href=href)
def asof(when, n, m, missing=''): return dict(as_of=S('asof.some', when=when, n=n, m=m) if missing else S('asof.all', when=when, n=m), has_missing=bool(missing), missing=S('asof.missing', who=missing) if missing else '')
def opt(value, label, on=False): return dict(value=value, label=label, on=on)
def note(tone, icon, text, link='', href=''): return dict(tone=tone, icon=icon, text=text, has_link=bool(link), link=link, href=href)
def flag(kind, **kw):
    m = dict(unsent=('warn','clock'), clash=('warn','clash'), held=('warn','held'), returned=('warn','return'), review=('info','review'), accepted=('good','check'), late=('bad','clock'))[kind]
    return dict(tone=m[0], icon=m[1], word=S('flag.'+kind, **kw))
def qr(text):
    import qrcode
    q = qrcode.QRCode(border=1, error_correction=qrcode.constants.ERROR_CORRECT_M); q.add_data(text); q.make()
    m = q.get_matrix(); n = len(m)
    d = ''.join(f'M{x} {y}h1v1h-1z' for y, r in enumerate(m) for x, c in enumerate(r) if c)
    return f'<svg viewBox="0 0 {n} {n}" shape-rendering="crispEdges" aria-hidden="true"><path fill="#000" d="{d}"/></svg>'

def row(kind, title, place, who, when, state, tone, tick, flags=(), fresh='', iso='2026-09-17T09:12+08:00', id='k7mq2xab'):
    return dict(href='/record/'+id, icon=KIND[kind][2], kind=K(kind), title=title, place=place, who=who, when=when, iso=iso, state=state, state_tone=tone, tick=tick, tick_word=S(f'tick.{tick}'), fresh=bool(fresh), fresh_word=fresh, flags=list(flags))
def rows():
    return [
     row('visit', L('仁和里12号 陈**', 'Chen **, 12 Renhe Lane'), VL('ld'), N('chen'), W(None,'09:12'), L('已提交','submitted'), 'info', 4, [], S('records.fresh')),
     row('need', L('祠堂巷口路灯坏了，晚上老人不敢出门', 'The lamp at Citang Lane is out; elders stay in at night'), VL('ld'), N('aunt'), W(None,'08:47'), L('已上分享会','on the agenda'), 'info', 3, [flag('clash')], S('records.fresh_changed')),
     row('proposal', L('榕树头加装扶手和两张长凳', 'A handrail and two benches under the banyan'), VL('lx'), N('huang'), W((9,16),'20:31'), L('已退回','returned'), 'warn', 4),
     row('visit', L('新村一路3号 麦**', 'Mai **, 3 New Village Road 1'), VL('xn'), N('mai'), W((9,16),'17:05'), L('草稿','draft'), '', 1, [flag('unsent')]),
     row('activity', L('重阳义诊：量血压、查血糖、看眼睛', 'Free clinic for the Double Ninth: blood pressure, sugar, eyes'), VL('cm'), N('he'), W((9,16),'15:20'), L('筹备中','planned'), '', 4),
     row('task', L('陪麦**去镇民政办问低保', 'Go with Mai ** to the town office about his allowance'), VL('xn'), N('mai'), W((9,15),'11:40'), L('在办','doing'), 'info', 4, [flag('late', n=2)]),
     row('hours', L('入户走访 90 分钟', 'Home visits, 90 minutes'), VL('ld'), N('zhou'), W((9,15),'10:02'), L('待确认','to confirm'), 'warn', 4),
     row('session', L('第 37 次分享会', 'Session no. 37'), VL('cm'), N('wang'), W((9,11),'20:58'), L('记录已核对','minutes agreed'), 'good', 4),
    ]
def filters():
    any_ = S('filter.any')
    F = lambda name, *o: dict(name=name, label=S('filter.'+name), options=[opt('', any_, True)] + [opt(str(i), x) for i, x in enumerate(o)])
    return [F('kind', *[K(k) for k in KIND]), F('state', L('草稿','draft'), L('已提交','submitted'), L('已退回','returned'), L('审核通过','accepted')), F('village', *[VL(k) for k in V]), F('person', *[N(k) for k in P]),
      F('period', L('今天','today'), L('这一周','this week'), L('这一季','this quarter')), F('flag', S('flag.unsent'), S('flag.clash'), S('flag.held')), dict(name='sort', label=S('filter.sort'), options=[opt('changed', L('最近改的在前','newest change first'), True), opt('title', L('按标题','by title')), opt('due', L('按到期日','by due day'))])]
def view(k, n, href, current=False): return dict(label=S('view.'+k), count=str(n), href=href, current=current)

def today():
    T = lambda kind: K(kind)
    q = lambda id, icon, tone, count, items, more=True, href='/records': dict(id=id, title=S('today.'+id), icon=icon, tone=tone, href=href, count=str(count), count_words=S('today.count_words', title=S('today.'+id), n=count), lead=S(f'today.{id}.lead'), has_items=bool(items), rows=items, has_more=more, more=S('today.all_n', n=count), empty=S(f'today.{id}.empty'))
    qi = lambda title, meta, tag='', tone='', icon='info', href='/record/k7mq2xab': dict(href=href, title=title, meta=meta, has_tag=bool(tag), tag=tag, tag_tone=tone, tag_icon=icon)
    v = dict(greeting=S('today.morning', name=N('wang')), lead=S('today.lead', date=L('9月17日 星期四','Thursday, 17 September'), n=9), has_guide=True, guide_lead=S('guide.lead'),
      guide=[dict(icon=i, href=h, text=S('guide.'+k), done=d) for k, i, h, d in [('conflict','clash','/record/k7mq2xab',True),('review','return','/record/r2',False),('ticks','send','/record/k7mq2xab',False),('lost','phone','/held',False),('session','session','/session/s38',False),('print','print','/reports/print',False)]],
      notices=[note('warn','lock',S('notice.retention', n=4),S('notice.retention.link'),'/records?flag=retention')],
      queues=[q('review','review','good',4,[
          qi(L('仁和里12号 陈**','Chen **, 12 Renhe Lane'), f"{K('visit')} · {S('today.submitted', who=N('chen'), when=W(None,'09:12'))}"),
          qi(L('榕树头加装扶手和两张长凳','A handrail and two benches under the banyan'), f"{K('proposal')} · {S('today.resubmitted', who=N('huang'), when=W((9,16),'20:31'))}"),
          qi(L('反诈讲座小结','Report on the fraud talk'), f"{K('activity')} · {S('today.submitted', who=N('liang'), when=W((9,16),'18:02'))}")]),
        q('decide','clash','warn',3,[
          qi(L('祠堂巷口路灯坏了','The lamp at Citang Lane is out'), f"{K('need')} · {VL('ld')}", S('flag.clash'),'warn','clash'),
          qi(L('周**（良登村）和周**（朗心村）','Zhou ** (Liangdeng) and Zhou ** (Langxin)'), K('resident'), S('nav.duplicates'),'warn','twins','/duplicates'),
          qi(L('5号门 陈家','The Chens, door 5'), S('held.cut', who=N('chen')), S('nav.held'),'warn','held','/held')], False),
        q('late','clock','bad',2,[
          qi(L('陪麦**去镇民政办问低保','Go with Mai ** to the town office about his allowance'), S('today.late_days', date=W((9,15)), who=N('mai'), n=2)),
          qi(L('回访：涌边路8号 下水道','Ask again: drain at 8 Creek Road'), S('today.late_days', date=W((9,16)), who=N('zhou'), n=1))], False)],
      week_title=S('today.week', **{'from': W((9,14)), 'to': W((9,20))}),
      numbers=[num('23',S('unit.times'),S('today.number.visits'),S('today.last_week',n=19),'/records?kind=visit'), num('21',S('unit.homes'),S('today.number.homes'),S('today.last_week',n=18),'/records?kind=household'), num('9',S('unit.items'),S('today.number.needs'),S('today.last_week',n=6),'/records?kind=need'),
        num('5',S('unit.items'),S('today.number.met'),S('today.confirmed_back',n=3),'/records?kind=need&state=met'), num('64',S('unit.people_en'),S('today.number.people'),S('today.last_week',n=0),'/records?kind=activity'), num('38.5',S('unit.hours'),S('today.number.hours'),S('today.claimed',n=6),'/records?kind=hours')],
      **asof(W(None,'09:26'),15,16,S('asof.silent_days',who=N('aunt'),n=6)),
      people=people()[:4], has_feed=True,
      feed=[dict(initial=I(a), href='/record/k7mq2xab', text=t, meta=m) for a, t, m in [
        ('zhou',S('feed.commented',who=N('zhou'),title=L('祠堂巷口路灯坏了','The lamp at Citang Lane is out')),W(None,'09:21')),
        ('chen',S('feed.wrote',who=N('chen'),title=L('仁和里12号 陈**','Chen **, 12 Renhe Lane')),W(None,'09:12')),
        ('huang',S('feed.decided',who=N('huang'),title=L('重阳义诊','Free clinic'),field=L('地点','Place')),W((9,16),'21:02')),
        ('luo',S('feed.joined',who=N('luo'),space=VL('xj')),W((9,16),'19:40'))]])
    return v
def people():
    return [person('he', S('person.all',who=N('he'),when=W(None,'09:12')),'good','check',S('word.all'),S('word.theirs',when=W(None,'09:25'))),
      person('li', S('person.office',n=3),'warn','clock',S('word.lacks',n=3),S('word.last_met',when=W((9,16),'17:30'))),
      person('aunt', S('person.silent',who=N('aunt'),n=6),'bad','offline',S('word.silent'),S('word.last_met',when=W((9,11),'20:58'))),
      person('huang', S('person.all',who=N('huang'),when=W(None,'08:50')),'good','check',S('word.all'),S('word.theirs',when=W(None,'08:50'))),
      person('liang', S('person.all',who=N('liang'),when=W((9,16),'21:10')),'good','check',S('word.all'),S('word.theirs',when=W((9,16),'21:10'))),
      person('mai', S('person.lacks',who=N('mai'),n=12,when=W((9,15),'18:44')),'warn','clock',S('word.lacks',n=12),S('word.theirs',when=W((9,15),'18:44')))]

def record(kind='need'):
    lamp = L('祠堂巷口路灯坏了，晚上老人不敢出门','The lamp at Citang Lane is out; elders stay in at night')
    body1 = L('从七月台风那天起，祠堂巷口到榕树头这一段路灯不亮。独居的何转好婆婆上周晚上出门倒垃圾摔了一跤，膝盖青了。','Since the typhoon in July the lamp between Citang Lane and the banyan is dark. Last week old Mrs He, who lives alone, fell on her way to the bins and bruised her knee.')
    body2 = body1 + L('\n村电工看过，说是线路老化，要供电所来换。','\nThe electrician looked at it: the line is old, the power company must come.')
    f = lambda key, label, value, by, **kw: dict(dict(key=key, label=label, value=value, by=by, personal=False, pointed=False, is_link=False, href='', has_flag=False, flag='', flag_tone='', flag_icon='info'), **kw)
    by = lambda k, w: S('record.by', who=N(k), when=w)
    opt_ = lambda key, value, k, w, dev, saw, shown: dict(key=key, value=value, by=S('clash.by',who=N(k),when=w,device=dev), saw=S('clash.saw',value=saw), shown=shown)
    return dict(href='/record/k7mq2xab', kind_key='need', kind=K('need'), space=VL('ld'), space_href='/records?village=ld', title=lamp,
      made_line=S('record.made',who=N('aunt'),when=W((9,10),'16:20'),last=N('zhou'),changed=W(None,'08:47')), can_edit=True, has_masked=True, show_word=S('record.show_personal'), show_href='/record/k7mq2xab?personal=1',
      is_erased=False, erase_line='', is_returned=False, return_title='', return_reason='', has_pointed=False, pointed_key='', pointed_line='', can_resubmit=False,
      conflicts=[dict(field_key='urgency', title=S('clash.title',field=L('紧急程度','Urgency')), lead=S('clash.lead',a=N('aunt'),b=N('zhou'),shown=N('zhou')), can_keep_both=False,
        options=[opt_('a',L('马上','At once'),'zhou',W(None,'08:47'),L('周伯的手机',"Zhou's phone"),L('一般','Normal'),True), opt_('b',L('较急','Urgent'),'aunt',W(None,'08:31'),L('李姐的手机',"Li's phone"),L('一般','Normal'),False)])],
      fields=[f('title',L('需求','Need'),lamp,by('aunt',W((9,10),'16:20'))), f('body',L('详细情况','Details'),body2,S('record.by_merged',who=N('zhou'),when=W(None,'08:47'),other=N('aunt')),personal=True), f('category',L('类别','Category'),L('道路照明','Roads and lights'),by('aunt',W((9,10),'16:20'))),
        f('urgency',L('紧急程度','Urgency'),L('马上','At once'),by('zhou',W(None,'08:47')),has_flag=True,flag=S('flag.clash'),flag_tone='warn',flag_icon='clash'), f('resident',L('谁提的','Raised by'),L('何**，158****0213','He **, 158****0213'),by('aunt',W((9,10),'16:20')),personal=True,is_link=True,href='/record/h3'), f('due',L('希望哪天前','Wanted by'),W((9,30)),by('he',W((9,11),'20:15')))],
      has_empty_fields=True, empty_fields=S('record.empty_fields',fields=L('照片、地点','Photos, Place')),
      has_links=True, links=[dict(href='/record/v1',icon='home',title=L('祠堂巷7号 何**','He **, 7 Citang Lane'),meta=f"{K('visit')} · {N('aunt')} · {W((9,10))}",state=L('审核通过','accepted'),tone='good'), dict(href='/session/s38',icon='session',title=L('第 38 次分享会','Session no. 38'),meta=f"{K('session')} · {W((9,18),'19:30')}",state=L('筹备中','planned'),tone=''), dict(href='/record/t4',icon='task',title=L('打 95598 报修','Report it to the power company'),meta=f"{K('task')} · {N('zhou')} · {W((9,19))}",state=L('在办','doing'),tone='info')],
      **{'raise': [dict(href='/new/task?for=k7mq2xab',label=S('raise.task'))]},
      comments=[dict(initial=I('he'),who=N('he'),when=W((9,11),'20:40'),text=L('分享会上大家都说这段路黑，先拿手电筒放在祠堂门口应急。','At the session all said that it is dark there. For now there is a torch at the ancestral hall.')), dict(initial=I('zhou'),who=N('zhou'),when=W(None,'09:21'),text=L('供电所说本周内来人。','The power company will come this week.'))], can_comment=True,
      history=[dict(key='c5',initial=I('zhou'),who=N('zhou'),act=S('hist.changed'),when=W(None,'08:47'),has_note=True,note=S('hist.merged'),can_undo=True,changes=[dict(field=L('紧急程度','Urgency'),has_before=True,before=L('一般','Normal'),after=L('马上','At once')),dict(field=L('详细情况','Details'),has_before=False,before='',after=L('村电工看过，说是线路老化，要供电所来换。','The electrician looked at it: the line is old, the power company must come.'))]),
        dict(key='c4',initial=I('aunt'),who=N('aunt'),act=S('hist.changed'),when=W(None,'08:31'),has_note=False,note='',can_undo=False,changes=[dict(field=L('紧急程度','Urgency'),has_before=True,before=L('一般','Normal'),after=L('较急','Urgent'))]),
        dict(key='c3',initial=I('he'),who=N('he'),act=S('hist.moved'),when=W((9,11),'20:15'),has_note=False,note='',can_undo=False,changes=[dict(field=L('进展','State'),has_before=True,before=L('新提出','new'),after=L('已上分享会','on the agenda')),dict(field=L('希望哪天前','Wanted by'),has_before=False,before='',after=W((9,30)))]),
        dict(key='c1',initial=I('aunt'),who=N('aunt'),act=S('hist.wrote'),when=W((9,10),'16:20'),has_note=False,note='',can_undo=False,changes=[])],
      has_older=False, older='', older_href='', can_review=False, review_line='', return_open=False, return_typed='', has_return_error=False, return_error='',
      state=L('已上分享会','on the agenda'), state_tone='info', state_icon='session', state_line=S('state.since',when=W((9,11),'20:15'),who=N('he')), moves=[dict(value='assigned',label=S('move.take')),dict(value='solved',label=S('move.solved')),dict(value='referred',label=S('move.refer'))],
      tick=3, tick_word=S('tick.3'), ticks=[dict(done=True,icon='check',label=S('tick.1'),detail=S('tick.at',when=W(None,'08:47'))),dict(done=True,icon='relay',label=S('tick.2'),detail=S('tick.at',when=W(None,'08:47'))),dict(done=True,icon='phone',label=S('tick.3'),detail=S('tick.to',who=L('何婉仪、李桂兰','He Wanyi, Li Guilan'),when=W(None,'08:52'))),dict(done=False,icon='laptop',label=S('tick.4'),detail=S('tick.wait'))],
      can_erase=True, erase_ask=S('record.erase_ask',title=lamp), has_receipts=False, receipts_title='', receipts=[], id_line=S('record.id',id='k7mq2xab9d',device=L('李桂兰的手机',"Li Guilan's phone")))

def record_review():
    v = record(); f = v['fields'][0]
    ff = lambda key, label, value, **kw: dict(f, key=key, label=label, value=value, by=S('record.by',who=N('chen'),when=W(None,'09:05')), **kw)
    v.update(kind=K('visit'), kind_key='visit', title=L('仁和里12号 陈**','Chen **, 12 Renhe Lane'), made_line=S('record.made',who=N('chen'),when=W(None,'08:40'),last=N('chen'),changed=W(None,'09:12')), can_edit=False, conflicts=[],
      fields=[ff('household',L('住户','Household'),L('仁和里12号 陈**','Chen **, 12 Renhe Lane'),personal=True,is_link=True,href='/record/h1'), ff('date',L('走访日期','Date'),L('2026年9月16日','16 September 2026')), ff('minutes',L('用时','Minutes'),L('45 分钟','45 minutes')), ff('visitors',L('谁去的','Visitors'),L('陈小明、周炳添','Chen Xiaoming, Zhou Bingtian')), ff('purpose',L('走访目的','Purpose'),L('健康随访','Health')),
        ff('findings',L('走访情况','Findings'),L('血压152/88，比上次高。降压药只剩3天的量，提醒写在日历上。大儿子在佛山城区上班，周日才回来。说晚上睡5小时，夜里膝盖痛醒。','Blood pressure 152/88, higher than last time. Her tablets last three more days; written on the calendar. Her eldest son works in Foshan and comes on Sundays. Sleeps five hours; her knee wakes her.'),personal=True), ff('mood',L('情绪状态','Mood'),L('平稳','calm'),personal=True), ff('next',L('下次走访','Next visit'),L('2026年9月23日','23 September 2026'))],
      has_empty_fields=False, links=[dict(href='/record/n9',icon='need',title=L('降压药快断了，想请人代取','Her tablets run out; somebody should fetch them'),meta=f"{K('need')} · {N('chen')} · {W(None,'09:10')}",state=L('新提出','new'),tone='info')], comments=[],
      history=[dict(key='c2',initial=I('chen'),who=N('chen'),act=S('hist.submitted'),when=W(None,'09:12'),has_note=False,note='',can_undo=False,changes=[]),dict(key='c1',initial=I('chen'),who=N('chen'),act=S('hist.wrote'),when=W(None,'08:40'),has_note=False,note='',can_undo=False,changes=[])], has_older=False,
      can_review=True, review_line=S('review.line',who=N('chen'),when=W(None,'09:12')), return_open=True, return_typed='', has_return_error=True, return_error=S('review.need_reason'), state=L('已提交','submitted'), state_icon='send', state_line=S('state.since',when=W(None,'09:12'),who=N('chen')), moves=[],
      tick=4, tick_word=S('tick.4'), ticks=[dict(t, done=True, detail=S('tick.at',when=W(None,'09:12')) if i != 2 else S('tick.to',who=N('he'),when=W(None,'09:12'))) for i, t in enumerate(v['ticks'])])
    v['raise'] = [dict(href='/new/need?for=k7',label=S('raise.need')), dict(href='/new/task?for=k7',label=S('raise.task'))]
    return v
def record_returned():
    v = record_review()
    v.update(can_review=False, can_edit=True, is_returned=True, return_title=S('review.returned',who=N('wang'),when=W(None,'10:03')), return_reason=L('用药那一句请写清楚：是哪一种降压药，谁去代取？我好安排周三的义诊车。','Please say which tablets, and who fetches them, so that I can arrange the clinic car on Wednesday.'), has_pointed=True, pointed_key='findings', pointed_line=S('review.pointed',field=L('走访情况','Findings')), can_resubmit=True, state=L('已退回','returned'), state_tone='warn', state_icon='return', can_erase=False)
    v['fields'][5]['pointed'] = True
    v['conflicts'] = [dict(field_key='findings', title=S('clash.title',field=L('走访情况','Findings')), lead=S('clash.lead_yours',other=N('zhou')), can_keep_both=True, options=[
       dict(key='a',value=L('血压152/88。降压药（氨氯地平）只剩3天的量，周炳添周五去卫生站代取。','152/88. Amlodipine for three more days; Zhou fetches it on Friday.'),by=S('clash.by',who=N('zhou'),when=W(None,'10:20'),device=L('周伯的手机',"Zhou's phone")),saw=S('clash.saw',value=L('血压152/88，比上次高。降压药只剩3天的量……','152/88, higher than last time …')),shown=True),
       dict(key='b',value=L('血压152/88，比上次高。氨氯地平只剩3天的量，已请大儿子周日带来。','152/88, higher than last time. Amlodipine for three more days; her son brings it on Sunday.'),by=S('clash.by',who=N('chen'),when=W(None,'10:31'),device=L('小明的手机',"Xiaoming's phone")),saw=S('clash.saw',value=L('血压152/88，比上次高。降压药只剩3天的量……','152/88, higher than last time …')),shown=False)])]
    return v
def record_erased():
    v = record(); v.update(is_erased=True, title=L('（已删除）','(erased)'), made_line='', can_edit=False, has_masked=False, erase_line=S('erase.done',who=N('wang'),when=W((9,15),'14:02'),reason=L('家属要求','the family asked for it')), has_receipts=True, receipts_title=S('erase.receipts',n=9,m=11),
      receipts=[person('he',S('erase.device_done',who=N('he'),device=L('手机','phone')),'good','check',S('word.confirmed'),W((9,15),'14:02')),person('li',S('erase.device_done',who=N('li'),device=L('电脑','laptop')),'good','check',S('word.confirmed'),W((9,15),'17:30')),person('aunt',S('erase.device_wait',who=N('aunt'),device=L('手机','phone')),'warn','clock',S('tick.wait'),S('word.last_met',when=W((9,11),'20:58')))])
    return v

def inp(name, label, kind, value='', must=False, hint='', error='', personal=False, unit='', options=(), suggestions=(), lines=(), on=False, lat='', lon=''):
    group = kind in ('choice','choices','links','checklist','point')
    return dict(name=name, label=label, input=kind, group=group, value=value, must=S('form.must') if must else '', has_hint=bool(hint), hint=hint, has_error=bool(error), error=error, personal=personal, unit=unit,
      options=list(options), suggestions=list(suggestions), lines=list(lines), on=on, lat=lat, lon=lon, described=' '.join((['hi-'+name] if hint and not group else []) + (['er-'+name] if error else [])))
def visit_inputs(bad=False):
    o = lambda *xs: [opt(v_, L(z, e), on) for v_, z, e, on in xs]
    return [inp('household',L('住户','Household'),'link',L('仁和里12号 陈桂芳','Chen Guifang, 12 Renhe Lane'),True,L('写门牌或姓名，会列出已有的住户','Door or name; known homes are listed'),personal=True,suggestions=[opt(L('仁和里12号 陈桂芳','Chen Guifang, 12 Renhe Lane'),L('良登村','Liangdeng')),opt(L('仁和里15号 孔培业','Kong Peiye, 15 Renhe Lane'),L('良登村','Liangdeng'))]),
      inp('date',L('走访日期','Date'),'date','2026-09-21' if bad else '2026-09-17',True,error=S('err.future') if bad else ''),
      inp('minutes',L('用时','How long'),'number',L('四十五','forty-five') if bad else '45',unit=L('分钟','minutes'),error=S('err.number') if bad else ''),
      inp('visitors',L('谁去的','Visitors'),'choices',options=o(('chen',*P['chen'],True),('zhou',*P['zhou'],True),('aunt',*P['aunt'],False),('he',*P['he'],False),('luo',*P['luo'],False))),
      inp('purpose',L('走访目的','Purpose'),'choice',must=True,options=o(('check_in','日常探望','Check-in',False),('health','健康随访','Health',not bad),('hardship','困难帮扶','Hardship',False),('safety','安全检查','Safety check',False),('children','儿童关爱','Children',False),('follow_up','回访','Follow-up',False)),error=S('err.choose') if bad else ''),
      inp('alone',L('独居','Lives alone'),'flag',on=True,hint=L('一个人住，或白天家里只有老人','Alone, or only elders at home by day')),
      inp('findings',L('走访情况','Findings'),'text',L('血压152/88，比上次高。降压药只剩3天的量，提醒写在日历上。','Blood pressure 152/88, higher than last time. Her tablets last three more days.'),hint=L('看到什么、听到什么、答应了什么','What you saw, heard and promised'),personal=True),
      inp('checks',L('安全检查','Safety check'),'checklist',lines=[dict(key=str(i+1),text=t,on=d,tick_label=S('check.done',n=i+1),text_label=S('check.item',n=i+1)) for i,(t,d) in enumerate([(L('煤气软管','gas hose'),True),(L('电线插座','wires and sockets'),True),(L('楼道通畅','clear stairway'),False),('',False)])]),
      inp('needs',L('提出的需求','Needs raised'),'links',options=o(('n9','降压药快断了，想请人代取','Her tablets run out; somebody should fetch them',True)),suggestions=[opt('n7',L('祠堂巷口路灯坏了','The lamp at Citang Lane is out'))]),
      inp('mood',L('情绪状态','Mood'),'select',personal=True,options=o(('','没留意','not noted',False),('happy','开心','happy',False),('calm','平稳','calm',True),('worried','担忧','worried',False),('lonely','孤单','lonely',False))),
      inp('point',L('地点','Place on the map'),'point',hint=L('会取整到约 100 米，不记精确住址','Rounded to about 100 m; no exact address is kept'),lat='23.05',lon='112.93'),
      inp('next_due',L('下次走访','Next visit'),'date','2026-09-24'), inp('met_at',L('到门口的时间','At the door'),'datetime','2026-09-17T08:40')]
def form(bad):
    errs = [('date',L('走访日期','Date'),S('err.future')),('minutes',L('用时','How long'),S('err.number')),('purpose',L('走访目的','Purpose'),S('err.choose'))] if bad else []
    return dict(title=S('form.new',kind=K('visit')), lead=S('form.new_lead'), up=S('nav.new'), up_href='/new', action='/new/visit', seen='', has_errors=bad, errors_title=S('form.errors',n=3) if bad else '', errors=[dict(name=a,label=b,text=c) for a,b,c in errs], notices=[note('info','consent',S('form.consent'))], inputs=visit_inputs(bad), save_label=S('act.save'), has_submit=True, submit_label=S('form.submit'))
def new(drafts=True):
    h = dict(visit=('去了哪一家，看到什么','Which home, and what you saw'),need=('居民要什么、急不急','What somebody needs, and how soon'),proposal=('想让村里、镇里做的事','What village or town should do'),activity=('义诊、讲座、敬老、文体','Clinic, talk, culture'),task=('谁、做什么、哪天前','Who does what by when'),hours=('自己做了多久','How long you served'),session=('每周一次，商量大家的需求','The weekly meeting'),training=('上了什么课','A course'),household=('新的一户','A new home'),consent=('本人同意记录','Permission to keep records'),commendation=('该表扬谁','Whom to praise'))
    return dict(has_drafts=drafts, drafts=[dict(href='/new/visit?draft=1',icon='home',title=L('新村一路3号 麦**','Mai **, 3 New Village Road 1'),meta=S('new.draft',when=W((9,16),'17:05')))] if drafts else [], kinds=[dict(href='/new/'+k,icon=KIND[k][2],label=K(k),hint=L(*h[k])) for k in h])

def session(empty=False):
    ag = [('1','n7',L('祠堂巷口路灯坏了，晚上老人不敢出门','The lamp at Citang Lane is out'),L('良登村 · 道路照明 · 马上 · 李** 提出，3 户有同样的说法','Liangdeng · lights · at once · three homes say the same'),[dict(votes=L('一致同意','all agree'),text=L('请供电所本周内更换线路；修好之前，晚上七点到十点轮流在巷口守一盏灯。','The power company replaces the line this week. Until then somebody keeps a lamp at the corner from seven to ten.'),meta=S('session.res_meta',who=L('周炳添','Zhou Bingtian'),due=W((9,25))))]),
      ('2','n9',L('独居老人代取药','Fetching medicine for those who live alone'),L('良登村、下安村 · 健康 · 较急 · 5 户','Two villages · health · urgent · five homes'),[]),
      ('3','n12',L('榕树头加装扶手和长凳','A handrail and benches under the banyan'),L('朗心村 · 养老 · 一般 · 提案已退回一次','Langxin · elders · normal · returned once'),[])]
    mask = lambda k: N(k)
    return dict(href='/session/s38', title=L('第 38 次分享会','Session no. 38'), lead=S('session.lead',date=L('9月18日 星期五 19:30','Friday 18 September, 19:30'),place=L('良登村 榕树头','under the banyan of Liangdeng'),host=N('he')), state=L('正在开','under way') if not empty else L('筹备中','planned'), state_tone='good' if not empty else '', state_icon='session', has_other=True, other=S('session.last'), other_href='/session/s37', is_planned_empty=empty,
      agenda=[] if empty else [dict(no=a,id=b,href='/record/'+b,title=c,meta=d,resolutions=e) for a,b,c,d,e in ag], can_write=True, persons=[opt(k,N(k)) for k in ('zhou','chen','aunt','he')], due_default='2026-09-25', open_needs=[opt('n15',L('下安村 · 市场后街积水','Xia\'an · water in Market Back Street')),opt('n16',L('西岸村 · 想学用手机挂号','Xi\'an · how to book a doctor by phone'))],
      minutes=[] if empty else [dict(text=L('周伯：供电所答应本周来人。','Zhou: the power company has promised to come this week.'),meta=f"{N('he')} · 19:41"),dict(text=L('大家同意先点一盏灯应急，值班表由小明排。','All agree on a lamp for now; Xiaoming makes the rota.'),meta=f"{N('he')} · 19:48")],
      attendance_line=S('session.here',n=0 if empty else 9), attendance=[opt(k,mask(k),not empty and i < 6) for i,k in enumerate(['he','zhou','chen','aunt','huang','liang','mai','deng','feng'])], guests='' if empty else '3', can_close=not empty, close_ask='' if empty else S('session.close_ask',n=2))

def dev(id, label, icon, state, tone, sicon, line, rem=True): return dict(id=id,label=label,icon=icon,state=state,tone=tone,state_icon=sicon,line=line,can_remove=rem,ask=S('device.ask',label=label),cut_line=S('device.cut_line',n=412,when=W(None,'09:12')))
def members(empty=False):
    m = lambda k, roles, heard, flag_='', tone='', icon='info': dict(href='/member/'+k,initial=I(k),name=N(k),roles=roles,heard=heard,tone=tone or 'good',has_flag=bool(flag_),flag=flag_,flag_tone=tone,flag_icon=icon)
    h = lambda w: S('members.heard',when=w)
    g = [dict(id='wait',title=S('members.to_confirm'),line=S('members.waiting'),members=[m('luo',R('volunteer','xj'),h(W((9,16),'19:40')),S('members.to_confirm'),'warn','clock')]),
      dict(id='com',title=L('整个社区','The whole community'),line='',members=[m('li',R('owner'),h(W((9,16),'17:30'))),m('wang',R('coordinator'),h(W(None,'09:26')),S('members.you'),'info','person')]),
      dict(id='ld',title=VL('ld'),line='',members=[m('he',R('lead','ld'),h(W(None,'09:25'))),m('chen',R('volunteer','ld'),h(W(None,'09:12')),S('members.lost'),'bad','phone'),m('aunt',R('volunteer','ld'),S('members.silent',n=6),S('word.silent'),'bad','offline'),m('zhou',R('volunteer','ld'),h(W(None,'08:47')))]),
      dict(id='lx',title=VL('lx'),line='',members=[m('huang',R('lead','lx'),h(W(None,'08:50'))),m('guan',R('volunteer','lx'),h(W((9,16),'20:11')))])]
    return dict(lead=S('members.lead',n=1 if empty else 16,m=1 if empty else 19,k=0 if empty else 6), can_invite=True, notices=[note('warn','warn',S('notice.alone'),S('notice.alone.link'),'/invite')] if empty else [note('bad','phone',S('members.unwiped',n=1,who=N('chen')),S('members.unwiped.link'),'/member/chen')], groups=[] if empty else g)
def member():
    return dict(id='chen', href='/member/chen', name=N('chen'), lead=S('member.lead',role=R('volunteer','ld'),when=L('2024年4月2日','2 April 2024'),by=N('he'),phone='158****0213'), has_masked=True, show_word=S('record.show_personal'), show_href='/member/chen?personal=1', notices=[note('bad','phone',S('person.removed',who=N('chen')))],
      did_title=S('member.did',name=N('chen')), numbers=[num('31',S('unit.times'),S('today.number.visits'),L('走到 18 户','18 homes'),'/records?by=chen&kind=visit'),num('7',S('unit.items'),S('today.number.needs'),S('today.confirmed_back',n=2),'/records?by=chen&kind=need'),num('26.5',S('unit.hours'),S('today.number.hours'),S('today.claimed',n=1),'/records?by=chen&kind=hours')], **asof(W(None,'09:26'),16,16), certificate_href='/certificate/new?member=chen',
      roles=[dict(key='g1',label=R('volunteer','ld'),by=S('member.by',who=N('he'),when=L('2024年4月2日','2 April 2024')),can_take=True)], can_grant=True, role_options=[opt('volunteer',R('volunteer')),opt('lead',R('lead'))], space_options=[opt(k,VL(k)) for k in V],
      growth=[dict(done=True,icon='check',label=L('新来的','New'),detail=L('2024年4月，跟何婉仪走访 5 次','April 2024, five visits with He Wanyi')),dict(done=True,icon='check',label=L('能独立走访','Visits alone'),detail=L('2024年7月，反诈培训合格','July 2024, passed the course on fraud')),dict(done=False,icon='training',label=L('骨干','Key member'),detail=L('急救培训 9月27日','first aid on 27 September')),dict(done=False,icon='shield',label=R('lead'),detail=S('tick.wait'))],
      devices=[dev('3f7a9c',L('小明的新手机',"Xiaoming's new phone"),'phone',S('device.in_use'),'good','check',S('device.line',when=W((9,16)),heard=W(None,'09:12'))),dev('81bd02',L('小明的旧手机（丢了）',"Xiaoming's old phone (lost)"),'phone',S('device.unwiped'),'bad','warn',S('device.line_cut',who=N('wang'),when=W((9,15),'13:20'),n=412),False)],
      can_remove=True, remove_lead=S('member.remove_lead',name=N('chen')), remove_ask=S('member.remove_ask',name=N('chen')), remove_kept=S('member.remove_kept',name=N('chen')))
TICKET = 'banyan1qyz5k9m3c7tq2d8wfr0h4xvn6ujla7e9sgp2ktc4mz8y5dq3hwx6rfn0vjb7ua2sle9kpgt4c8mzy5q3hdwx6rf0nvj2kb7ua9slepgtc4'
def invite(step):
    hint = dict(coordinator=('看全部村，审核、邀请、停用','Sees all villages; reviews, invites, cuts off'),lead=('管一个村，邀请志愿者','Runs one village and invites volunteers'),volunteer=('写走访、需求、提案、活动','Writes visits, needs, proposals'),observer=('只看不写','Reads only'))
    return dict(has_ticket=step=='ticket', ticket_title=S('invite.ticket',role=R('volunteer'),space=VL('ld'),n=1) if step=='ticket' else '', qr=qr(TICKET) if step=='ticket' else '', ticket=TICKET if step=='ticket' else '', step1=S('invite.step1',when=W(None,'09:26')) if step=='ticket' else '',
      roles=[dict(value=r,label=R(r),hint=L(*hint[r]),on=r=='volunteer') for r in ('volunteer','lead','coordinator','observer')], spaces=[opt('',L('整个社区','the whole community'))]+[opt(k,VL(k),k=='ld') for k in V], uses='80' if step=='error' else '1', has_uses_error=step=='error', uses_error=S('invite.err') if step=='error' else '',
      open=[dict(key='i1',label=L('志愿者，下滘村','volunteer, Xiajiao'),meta=S('invite.meta',who=N('liang'),when=W((9,16),'19:20'),n=1,m=9))] if step=='ticket' else [])
def devices(): return dict(title=S('devices.title',name=N('wang')), devices=[dev('a1',L('办公室电脑','Office laptop'),'laptop',S('device.this'),'good','check',S('device.line',when=L('2024年3月1日','1 March 2024'),heard=W(None,'09:26')),False),dev('a2',L('王芳的手机',"Wang Fang's phone"),'phone',S('device.in_use'),'good','check',S('device.line',when=L('2024年3月2日','2 March 2024'),heard=W(None,'07:55')))], qr=qr('banyandevice1qx8m2c7tk9'), text='banyandevice1qx8m2c7tk9f3w5hnzr6d0yv4jua', typed='', has_error=False, error='')

def sync(off=False, empty=False):
    fact = lambda k, t, href='': dict(label=S('sync.r.'+k), text=t, is_link=bool(href), href=href)
    rel = person('relay',S('relay.has',name=L('站里的中继','The relay at the station'),when=W(None,'09:26')),'good','check',S('word.connected'),S('relay.last',when=W(None,'09:26'),n='4,871')); rel['initial']=L('继','R')
    if off: rel = dict(rel, line=S('relay.gone',name=L('站里的中继','The relay at the station')), tone='bad', icon='offline', word=S('word.no_answer'))
    r2 = dict(rel, initial=L('备','R'), line=S('relay.lacks',name=L('镇里的备用中继','The spare relay in the town'),n=3), tone='warn', icon='clock', word=S('word.lacks',n=3))
    return dict(headline=S('sync.off') if off else S('sync.some',n=3), lead=S('sync.lead_off') if off else S('sync.lead',relay=L('站里的中继','the relay at the station'),when=W(None,'09:26')),
      notices=[note('warn','relay',S('sync.refused',n=1,reason=L('那里的配额已用完','the quota there is used up')))] if not empty and not off else [], has_people=not empty, people=[] if empty else people(), **(dict(as_of=S('asof.none',when=W(None,'09:26')),has_missing=False,missing='') if empty else asof(W(None,'09:26'),15,16,S('asof.silent_days',who=N('aunt'),n=6))),
      relays=[] if empty else [rel] if off else [rel, r2], has_report=not empty, report_title=S('sync.report',when=W(None,'09:25'),who=L('站里的中继','the relay at the station')) if not empty else '', report=[] if empty else [fact('sent',S('sync.r.n_records',n=4)),fact('got',S('sync.r.n_records',n=17),'/records?view=new'),fact('merged',L('走访 9 条、需求 5 条、活动 3 条','9 visits, 5 needs, 3 activities')),fact('by',L('何婉仪 8、黄丽珍 5、周炳添 4','He Wanyi 8, Huang Lizhen 5, Zhou Bingtian 4')),fact('clash',S('sync.r.n_clash',n=1),'/records?flag=clash'),fact('held',S('sync.r.none'))], report_cost='' if empty else S('sync.r.cost',kib='6.2',n=2,s='0.4'),
      has_waiting=not empty, waiting='' if empty else S('sync.n_waiting',n=2,space=VL('xj')))

def bars(id, title, summary, rows_, n1, n2='', head=''):
    mx = max(a+b for _, a, b in rows_)
    out = []
    for label, a, b in rows_:
        w1 = round(a*1000/mx); w2 = round((a+b)*1000/mx) - w1
        value = f'{a}+{b}' if n2 and b else str(a)
        out.append(dict(label=label, href='/records?x=1', w1=w1, w2=w2, value=value, n1=str(a), n2=str(b)))
    return dict(id=id, title=title, summary=summary, two=bool(n2), name1=n1, name2=n2, row_head=head or S('rep.village'), bars=out)
def columns(id, title, summary, rows_, n1, head):
    mx = 60; w = 26; step = 328/len(rows_); out = []
    for i, (short, long, n) in enumerate(rows_):
        h = round(n*140/mx); x = round(28 + step*i + (step-w)/2)
        out.append(dict(label=short,label_long=long,value=str(n),href='/records?kind=visit',x=x,y=166-h,h=h,mid=x+w//2))
    return dict(id=id, title=title, summary=summary, w=w, name1=n1, row_head=head, grid=[dict(y=166-round(g*140/mx),label=str(g)) for g in (0,20,40,60)], bars=out)
VISITS = dict(ld=(38,24),lx=(31,19),xj=(22,17),za=(19,15),xa=(14,12),xn=(11,9))
def reports(empty=False):
    cell = lambda t, href='': dict(text=t,is_link=bool(href),href=href)
    tr = lambda label, xs, s=False: dict(label=label,is_sum=s,cells=[cell(str(x),'/records?x=1') for x in xs])
    F = lambda name, *o: dict(name=name, label=S('filter.'+name), options=[opt(str(i), x, i == 0) for i, x in enumerate(o)])
    return dict(lead=S('rep.lead'), print_href='/reports/print?period=2026-3', filters=[F('period',L('今年第三季','third quarter'),L('这个月','this month'),L('今年','this year'),L('三年合计','all three years')),F('village',S('filter.any'),*[VL(k) for k in V]),F('person',S('filter.any'),*[N(k) for k in P])], has_data=not empty, none_text=S('rep.none'),
      period_title=S('rep.period',**{'from':L('2026年7月1日','1 July 2026'),'to':L('9月17日','17 September')}), numbers=[] if empty else [num('135',S('unit.times'),S('today.number.visits'),L('96 户','96 homes'),'/records?kind=visit'),num('41',S('unit.items'),S('today.number.needs'),L('解决 27，回访说好 19','27 met, 19 confirmed'),'/records?kind=need'),num('12',S('unit.items'),K('proposal'),L('通过 7，办成 4','7 accepted, 4 done'),'/records?kind=proposal'),num('9',L('场',''),K('activity'),L('到场 412 人','412 people came'),'/records?kind=activity'),num('214.5',S('unit.hours'),S('today.number.hours'),S('today.claimed',n=18),'/records?kind=hours'),num('3',S('unit.people_en'),L('新当上村负责人','became leads'),L('培训 14 人','14 trained'),'/members')],
      **asof(W(None,'09:26'),14,16,f"{S('asof.silent_days',who=N('aunt'),n=6)}、{N('mai')}" if lang=='zh' else f"{S('asof.silent_days',who=N('aunt'),n=6)}, {N('mai')}"), has_missing_people=not empty, missing_title=S('rep.missing'), missing_people=[] if empty else [people()[2],person('mai',S('person.behind',who=N('mai'),when=W((9,15),'18:44')),'warn','clock',S('word.behind'),S('word.last_met',when=W((9,15),'18:44')))],
      columns=[] if empty else [columns('c-visits',S('rep.visits'),S('rep.visits.sum',n=135,m=96,k=7),[(L(f'{m}月',e[:3]),L(f'{m}月',e),n) for m,e,n in [(2,'February',21),(3,'March',34),(4,'April',41),(5,'May',38),(6,'June',47),(7,'July',52),(8,'August',44),(9,'September',39)]],S('today.number.visits'),L('月份','Month'))],
      bars=[] if empty else [bars('b-needs',L('需求按类别','Needs by category'),S('rep.needs.sum',n=41,m=27,k=19),[(L('健康','Health'),9,3),(L('养老','Care of elders'),7,2),(L('道路照明','Roads and lights'),4,4),(L('供水排水','Water and drains'),3,3),(L('儿童','Children'),3,1),(L('停车','Parking'),1,1)],S('rep.met'),S('rep.open'),L('类别','Category')),bars('b-visits',L('走访按村','Visits by village'),L('良登村最多；下安村的内容还没到齐。','Liangdeng has most; the work of Xia\'an is not all in.'),[(VL(k),VISITS[k][0],0) for k in VISITS],S('today.number.visits')),bars('b-hours',S('rep.hours'),S('rep.hours.sum',n='214.5',m=18),[(VL(k),VISITS[k][0]+9,(i*3)%7) for i,k in enumerate(VISITS)],S('rep.confirmed'),S('rep.claimed'))],
      table_title=S('rep.by_village'), table_head=[S('rep.village'),S('today.number.visits'),S('today.number.homes'),S('today.number.needs'),S('today.number.met'),K('proposal'),K('activity')], table_rows=[] if empty else [tr(VL(k),[a,b,a//3,a//5,i%4,i%3]) for i,(k,(a,b)) in enumerate(VISITS.items())]+[tr(S('rep.total'),[135,96,41,27,12,9],True)],
      query='period=2026-3', may_personal=True, formats=[opt('csv',S('rep.csv')),opt('xlsx',S('rep.xlsx')),opt('geojson',S('rep.geojson'))])
def report_print():
    c = lambda label, text: dict(label=label, text=text)
    head = [S('rep.village'),S('today.number.visits'),S('today.number.homes'),S('today.number.needs'),S('today.number.met')]
    rws = [dict(label=VL(k),is_sum=False,cells=[c(h,str(x)) for h,x in zip(head[1:],[a,b,a//3,a//5])]) for k,(a,b) in VISITS.items()] + [dict(label=S('rep.total'),is_sum=True,cells=[c(h,str(x)) for h,x in zip(head[1:],[135,96,41,27])])]
    hd2 = [L('决议','Resolution'),L('谁负责','Who'),L('期限','Due'),L('结果','Result')]
    r2 = [dict(label=a,is_sum=False,cells=[c(h,x) for h,x in zip(hd2[1:],b)]) for a,b in [(L('更换祠堂巷口路灯线路','Replace the line at Citang Lane'),[N('zhou'),W((9,25)),L('在办','doing')]),(L('每周三代取药','Fetch medicine on Wednesdays'),[N('chen'),W((8,5)),L('办成','done')]),(L('涌边路清淤','Clear the drain at Creek Road'),[N('mai'),W((8,20)),L('过期','overdue')])]]
    return dict(title=L('2026年第三季度志愿服务报告','Voluntary service, third quarter of 2026'), sub=L('丹灶志愿服务站 · 六个村 · 2026年7月1日至9月17日','Danzao volunteer station · six villages · 1 July to 17 September 2026'), up_href='/reports', intro=L('这一季，志愿者走访 135 次，走到 96 户；居民提出需求 41 条，解决 27 条，其中 19 条回访时居民说好了。分享会开了 11 次，定下决议 23 条，按期做完 17 条。','This quarter the volunteers made 135 visits to 96 homes. Residents raised 41 needs; 27 were met, 19 of them confirmed. Eleven sessions agreed on 23 resolutions; 17 were done in time.'),
      sections=[dict(title=L('各村一览','The villages'),has_text=False,text='',has_table=True,words=False,head=head,rows=rws),dict(title=L('分享会的决议','Resolutions of the sessions'),has_text=False,text='',has_table=True,words=True,head=hd2,rows=r2),dict(title=L('活动','Activities'),has_text=True,text=L('重阳义诊两场，量血压 186 人次；反诈讲座三场，到场 142 人，当场劝住一位准备转账的老人；文体和敬老活动四场。','Two free clinics with 186 people seen; three talks on fraud with 142 listeners, one of whom was stopped from sending money; four events for culture and elders.'),has_table=False,words=False,head=[],rows=[]),dict(title=L('人','People'),has_text=True,text=L('在册志愿者 16 人，这一季活跃 14 人；培训 14 人次；3 位志愿者当上村负责人。确认的服务时长 214.5 小时，另有 18 小时待确认。','Sixteen volunteers, 14 active; 14 trained; three became leads. 214.5 hours confirmed, 18 waiting.'),has_table=False,words=False,head=[],rows=[])],
      basis=[S('print.asof',when=L('2026年9月17日 09:26','17 September 2026, 09:26'),digest='7c1e 40a9'),S('print.missing',n=14,m=16,who=f"{N('aunt')}{L('、',', ')}{N('mai')}"),S('print.personal')])
def certificate(): 
    return dict(up=L('回到陈小明','Back to Chen Xiaoming'), up_href='/member/chen', is_draft=True, draft_line=S('cert.draft',date=W((9,24))), is_revoked=False, revoked_line='', number=S('cert.number',n='DZ-2026-0117'), name=N('chen'), period=L('2026年1月1日 至 2026年9月17日','1 January to 17 September 2026'), total=S('cert.total',h=86,m=30), total_line=S('cert.total_line',n=64),
      lines=[dict(what=L('入户走访','Home visits'),times='47',hours=L('52 小时 15 分','52 h 15 min'),by=L('何婉仪、周炳添','He Wanyi, Zhou Bingtian')),dict(what=L('义诊和讲座','Clinics and talks'),times='9',hours=L('22 小时 30 分','22 h 30 min'),by=N('wang')),dict(what=L('代取药、陪同办事','Fetching medicine, going along'),times='8',hours=L('11 小时 45 分','11 h 45 min'),by=L('周炳添、李桂兰','Zhou Bingtian, Li Guilan'))],
      issuer=L('记录单位：丹灶志愿服务站','Recorded by: Danzao volunteer station'), responsible=L('负责人：王芳','Responsible: Wang Fang'), issued=L('2026年9月17日','17 September 2026'), as_of=L('截至 2026年9月17日 09:26','as of 17 September 2026, 09:26'), qr=qr('banyancert1'+TICKET[:60]))

def imp(step, error=False):
    steps = [dict(label=S('import.s1'),on=step=='upload'),dict(label=S('import.s2'),on=step=='map'),dict(label=S('import.s3'),on=step=='check')]
    tg = [('household',L('住户','Household')),('date',L('走访日期','Date')),('purpose',L('走访目的','Purpose')),('findings',L('走访情况','Findings')),('minutes',L('用时','Minutes'))]
    col = lambda key, name, ex, to, nt='': dict(key=key,name=name,example=ex,map_label=S('import.to',column=name),options=[opt('',S('import.skip'),to=='')]+[opt(a,b,a==to) for a,b in tg],has_note=bool(nt),note=nt)
    return dict(step=step, lead=L('以前的表格、别的工具导出的文件，都可以搬进来。','Old tables and exports of other tools can be brought in.'), steps=steps, has_error=error, error=L('文件里第 214 行的引号没有闭合','The quotation mark opened on line 214 is never closed') if error else '', error_help=L('文件可能不完整，请重新另存为 CSV 再试。什么都没有导入。','The file may be cut off: save it as CSV again. Nothing was imported.') if error else '', kinds=[opt(k,K(k),k=='visit') for k in ('visit','need','proposal','activity','household')], spaces=[opt(k,VL(k),k=='ld') for k in V], upload='u1',
      map_title=S('import.map',file='走访登记2025.csv',n=486,m=7) if step=='map' else '', columns=[col('0','门牌姓名','仁和里12号 陈桂芳；新村三路41号 杜炳添','household'),col('1','日期','2025/3/4；2025年3月11日','date','两种写法都认得'),col('2','事由','健康；探望；困难','purpose','3 种写法对到现有的选项'),col('3','情况','血压146/82，按时吃药……','findings'),col('4','联系电话','158****0213','','个人信息，表单里没有这一项'),col('5','_submission_time','2025-03-04T08:11:20','')] if step=='map' else [],
      check_title=S('import.checked') if step=='check' else '', numbers=[num('471',S('unit.items'),S('import.ok'),'','/import/rows?ok=1'),num('9',S('unit.items'),S('import.known'),'','/import/rows?known=1'),num('6',S('unit.items'),S('import.bad'),'','#problems')] if step=='check' else [], has_problems=step=='check', problems=[dict(row='37',field='走访日期',typed='2025-02-30',text=S('err.date')),dict(row='112',field='住户',typed='（空）',text=S('err.empty')),dict(row='209',field='用时',typed='约一小时',text=S('err.number'))] if step=='check' else [], ask=S('import.ask',file='走访登记2025.csv') if step=='check' else '', do_label=S('import.do',n=471) if step=='check' else '', map_href='/import?upload=u1')
def link(href, icon, label, hint, n=''): return dict(href=href,icon=icon,label=label,hint=hint,has_count=bool(n),count=n)
def settings(error=False):
    return dict(lead=S('settings.lead'), notices=[dict(note('warn','key',S('settings.sheet',n=92)),has_link=True,link=S('settings.sheet_link'),href='/settings/sheet')], inputs=[inp('lang',S('settings.lang'),'choice',options=[opt('zh','中文',lang=='zh'),opt('en','English',lang=='en')]),inp('text',S('settings.text'),'choice',options=[opt('normal',S('settings.text_normal'),True),opt('large',S('settings.text_large'))]),inp('theme',S('settings.theme'),'choice',options=[opt('auto',S('settings.theme_auto'),True),opt('light',S('settings.theme_light')),opt('dark',S('settings.theme_dark'))])],
      relays=[dict(key='r1',label=L('站里的中继','The relay at the station'),meta='k3f9…d21a@192.168.1.20:4433')], relay_typed='192.168.1.30' if error else '', has_relay_error=error, relay_error=L('中继要写成 编号@地址:端口，与中继启动时打印的一样。','A relay is written id@host:port, as it prints it when it starts.') if error else '', links=[link('/schema','form',L('记录的种类和要填的项','Kinds of records and their fields'),L('14 种，社区自己加了 1 种','14 kinds, one of our own')),link('/devices','phone',L('我的设备','My devices'),L('2 台','two')),link('/settings/recovery','key',L('恢复单','Recovery sheet'),L('92 天前核对过','checked 92 days ago')),link('/settings/passphrase','lock',L('口令','Passphrase'),L('已设','set'))], about=L('榕 0.4.0 · 社区编号 5c1f 09ab 77d2','Banyan 0.4.0 · community 5c1f 09ab 77d2'))
def schema():
    ks = [('visit',9,1482),('need',8,436),('proposal',8,317),('activity',9,205),('session',7,151),('resolution',6,298),('task',6,512),('hours',6,2204),('household',5,388),('resident',7,941),('consent',6,377),('training',6,88),('commendation',4,23)]
    return dict(can_edit=True, kinds=[dict(href='/schema/'+k,icon=KIND[k][2],label=K(k),meta=S('schema.n_fields',n=n,m=m),has_flag=False,flag='') for k,n,m in ks]+[dict(href='/schema/stall',icon='star',label=L('便民摊位','Service stall'),meta=S('schema.n_fields',n=5,m=12),has_flag=True,flag=S('schema.own'))], version_line=S('schema.version',n=4,who=N('wang'),when=L('2026年8月2日','2 August 2026')))
def schema_kind(bad=False):
    fr = lambda key,label,typ,icon,flags,ed=True: dict(key=key,label=label,meta=typ,icon=icon,flags=flags,can_edit=ed,href=f'/schema/stall/{key}')
    pf = dict(tone='warn',icon='lock',word=S('schema.personal')); mf = dict(tone='',icon='check',word=S('form.must')); kf = dict(tone='',icon='clock',word=S('schema.years',n=2))
    types = [opt(t,S('type.'+t),t=='choice') for t in ('line','text','number','minutes','date','datetime','flag','choice','choices','member','members','link','links','checklist','point')]
    return dict(title=L('便民摊位','Service stall'), lead=L('磨剪刀、剪头发、修电器：摆了哪些，来了多少人。','Knives, haircuts, repairs: what was offered and how many came.'), action='/schema/stall', has_errors=bad, errors_title=S('form.errors',n=1) if bad else '', errors=[dict(name='label_en',label=S('schema.label_en'),text=S('err.empty'))] if bad else [], inputs=[inp('label_zh',S('schema.label_zh'),'line','便民摊位',True),inp('label_en',S('schema.label_en'),'line','' if bad else 'Service stall',True,error=S('err.empty') if bad else ''),inp('create',L('谁可以写','Who may write it'),'select',options=[opt('volunteer',L('志愿者及以上','volunteers and above'),True),opt('lead',L('村负责人及以上','leads and above'))]),inp('edit',L('谁可以改','Who may change it'),'select',options=[opt('own',L('写的人自己','its author'),True),opt('any',L('志愿者及以上都可以','any volunteer'))])],
      rows=[fr('date',L('日期','Date'),S('type.date'),'today',[mf]),fr('what',L('摆什么','What was offered'),S('type.choices'),'list',[]),fr('count',L('来了多少人','How many came'),S('type.number'),'people',[]),fr('who',L('谁在摊位上','Who served'),S('type.members'),'person',[]),fr('names',L('登记的居民','Residents served'),S('type.links'),'home',[pf,kf])], can_add=True, field_title=S('schema.new_field'), field_inputs=[inp('f_label_zh',S('schema.label_zh'),'line','',True),inp('f_label_en',S('schema.label_en'),'line','',True),inp('f_type',S('schema.type'),'select',options=types),inp('f_choices',S('schema.choices'),'text',L('磨剪刀\n剪头发\n修电器','Knives\nHaircuts\nRepairs')),inp('f_required',S('schema.required'),'flag'),inp('f_personal',S('schema.personal'),'flag',hint=L('列表和大屏幕上会遮住，导出时默认不带','Masked in lists and on the projector, left out of exports')),inp('f_keep',S('schema.retention'),'number','2',unit=L('年','years'))])
def audit():
    a = lambda icon, tone, k, act, when, nt='': dict(icon=icon,tone=tone,who=N(k),act=act,when=when,has_note=bool(nt),note=nt)
    dv = lambda d: L(f' · 来自{d}', f' · from {d}')
    return dict(has_result=True,result_tone='good',result_icon='shield',result=S('audit.good'),result_detail=S('audit.detail',n='13,660',m='2,214',k=23,s=61,when=W(None,'09:30'),t='1.8'), who=[opt('',S('filter.any'),True)]+[opt(k,N(k)) for k in ('li','wang','he')],
      acts=[a('people','plain','liang',L('邀请 10 人：志愿者（下滘村）','invited ten volunteers of Xiajiao'),W((9,16),'19:20')+dv(L('梁志强的手机',"Liang's phone"))),a('key','plain','wang',L('把良登村的阅读密钥封给 9 台设备或邀请','sealed the reading key of Liangdeng to nine devices'),W((9,15),'13:20')+dv(L('办公室电脑','the office laptop'))),a('x','bad','wang',L('停用设备 小明的旧手机',"cut off the device Xiaoming's old phone"),W((9,15),'13:20')+dv(L('办公室电脑','the office laptop'))),a('warn','warn','he',L('授予周炳添角色村负责人（中安村）','gave Zhou Bingtian the role lead of Zhong\'an'),W((9,12),'10:02')+dv(L('何婉仪的手机',"He's phone")),L('无效：没有相应权限','without effect: not entitled to it')),a('check','good','he',L('确认陈小明','confirmed Chen Xiaoming'),L('2024年4月2日 20:11','2 April 2024, 20:11')),a('banyan','good','li',L('建立社区丹灶志愿服务站','founded Danzao volunteer station'),L('2024年3月1日 09:00','1 March 2024, 09:00'))],has_older=True,older_href='/audit?page=2')
def held(see=True):
    c = lambda f, b, a: dict(field=f,has_before=bool(b),before=b,after=a)
    it = lambda id,title,meta,when,reason,new,changes,stays='': dict(id=id,title=title,meta=meta,when=when,reason=reason,is_new=new,can_see=see,changes=changes if see else [],stays=bool(stays),stays_line=stays,can_decide=see)
    return dict(items=[it('h1',L('5号门 陈家','The Chens, door 5'),f"{K('visit')} · {S('held.by',who=N('chen'),device=L('旧手机','old phone'),space=VL('ld'))}",W((9,15),'12:48'),S('held.cut',who=N('chen')),True,[c(L('住户','Household'),'',L('5号门 陈家','The Chens, door 5')),c(L('走访情况','Findings'),'',L('厨房屋顶漏雨，木门松动。已约电工周六来看。','The kitchen roof leaks and the door is loose. An electrician comes on Saturday.'))]),
      it('h2',L('3号门 王奶奶','Granny Wang, door 3'),f"{K('visit')} · {S('held.by',who=N('chen'),device=L('旧手机','old phone'),space=VL('ld'))}",W((9,15),'15:30'),S('held.cut',who=N('chen')),False,[c(L('住户','Household'),L('3号门 王奶奶','Granny Wang, door 3'),L('无人居住','nobody lives here'))])])
def duplicates():
    f = lambda l,t,d=False: dict(label=l,text=t,differs=d)
    side = lambda v_,door,ph,d: dict(href='/record/x',title='周**',meta=f'居民 · {v_} · 3 次走访',fields=[f('姓名','周**'),f('门牌',door,True),f('出生年','1948'),f('电话',ph),f('标签','独居、糖尿病' if d else '独居',True)])
    return dict(lead=S('dup.lead',n=1), has_masked=True, show_word=S('record.show_personal'), show_href='/duplicates?personal=1', pairs=[dict(id='p1',title='周**',why=S('dup.why'),sides=[side('良登村','石桥巷10号','158****0213',True),side('朗心村','石桥巷10号之一','158****0213',False)],effect=S('dup.effect',n=6,m=2))])
def communities():
    x = lambda l,t,h='': dict(label=l,text=t,is_link=bool(h),href=h)
    hd = ['社区','等你审核','要你拿主意','过了日子','走访','没消息的人']
    rr = lambda n,role,vals: dict(name=n,role=role,href='/c/1/today',cells=[x(h,v_,'/c/1/records') for h,v_ in zip(hd[1:],vals)])
    return dict(lead=S('com.lead',n=3), total_title=S('com.total',period='今年第三季'), numbers=[num('402','次','入户走访','三个社区','/communities/records?kind=visit'),num('118','条','新提出的需求','解决 76','/communities/records?kind=need'),num('31','条','提案','等镇里答复 5','/communities/records?kind=proposal')], **asof('今天 09:26',41,47,'6 人，看各社区'),
      head=hd, rows=[rr('丹灶志愿服务站','协调员',['4','3','2','135','李桂兰']),rr('金沙志愿服务站','协调员',['11','1','0','148','没有']),rr('罗村志愿服务站','观察员',['0','0','5','119','5 人'])], bars=[bars('cb','走访按社区','金沙的数字到昨天为止。',[('丹灶',135,0),('金沙',148,0),('罗村',119,0)],'走访',head='社区')])
def more():
    return dict(me_line=f"{N('wang')} · {R('coordinator')}", groups=[dict(title=S('nav.group.work'),links=[link('/session/s38','session',S('nav.session'),L('9月18日 19:30，3 条要商量','18 September, 19:30, three points')),link('/reports','chart',S('nav.reports'),L('点数字看记录，打印季度报告','Numbers, and the quarter\'s report')),link('/duplicates','twins',S('nav.duplicates'),L('1 对等你看','one pair'),'1'),link('/held','held',S('nav.held'),L('丢了的手机来的','from a lost phone'),'2')]),dict(title=S('nav.group.people'),links=[link('/members','people',S('nav.members'),L('16 位','16')),link('/devices','phone',S('members.devices') if 'console.members.devices' in CAT[lang] else '',L('2 台','two'))]),dict(title=S('nav.group.station'),links=[link('/import','import',S('nav.import'),L('CSV、ODK、Kobo、CoMapeo','CSV, ODK, Kobo, CoMapeo')),link('/communities','communities',S('nav.communities'),L('3 个','three')),link('/audit','audit',S('nav.audit'),L('谁给了谁什么权限','who gave whom what')),link('/settings','settings',S('nav.settings'),L('语言、大字、表单、恢复单','language, large text, forms'))])])
def openp(good): return dict(title=S('open.title') if good else S('open.old'), lead=S('open.lead',community='丹灶志愿服务站') if good else S('open.old_lead'), is_good=good, link='x9', needs_passphrase=good, has_error=False, error='', steps=[] if good else [S('open.old1'),S('open.old2'),S('open.old3')], foot=S('open.foot'))
def error(k):
    m = dict(e404=dict(icon='search',title=S('error.404'),lead=S('error.404_lead'),steps=[],kept='',href='/records',link=S('nav.records'),code='404'),e403=dict(icon='lock',title=S('error.403'),lead=S('error.403_lead',role=R('coordinator'),mine=R('volunteer'),who=N('wang')),steps=[],kept='',href='/member/wang',link=N('wang'),code='403'),store=dict(icon='warn',title=S('error.store'),lead=S('error.store_lead'),steps=[S('error.store_1'),S('error.store_2')],kept=S('error.kept',n='13,660'),href='/today',link=S('error.back'),code='507 · disk_full'))[k]
    return dict(m, has_steps=bool(m['steps']), has_kept=bool(m['kept']))

def records(mode='full'):
    base = dict(count_line=S('records.count',n='3,412'), export_href='/reports#out', views=[view('all','3,412','/records',mode!='match'),view('new',6,'/records?view=new'),view('mine',214,'/records?view=mine'),view('unsent',3,'/records?view=unsent'),view('clash',2,'/records?view=clash'),dict(label=L('良登村 · 等审核','Liangdeng · to review'),count='4',href='/records?view=s1',current=mode=='match')], q='', filters=filters(), filters_open=False, filter_line=S('records.filters'), has_active=False, active=[], query='', has_rows=True, rows=rows(), page_line=S('records.page',**{'from':1,'to':50,'n':'3,412'}), has_prev=False, prev_href='', has_next=True, next_href='/records?page=2', **asof(W(None,'09:26'),15,16,S('asof.silent_days',who=N('aunt'),n=6)), empty_icon='search', empty_title='', empty_text='', can_clear=False)
    if mode == 'match': base.update(count_line=S('records.none'), q='wnn', filters_open=True, filter_line=S('records.filters_on',n=2), has_active=True, active=[dict(href='/records?q=wnn',label=L('村：良登村','Village: Liangdeng')),dict(href='/records?village=ld',label=L('有“wnn”','with "wnn"'))], query='q=wnn&village=ld', has_rows=False, rows=[], has_next=False, empty_title=S('records.no_match'), empty_text=S('records.no_match_text'), can_clear=True)
    if mode == 'empty': base.update(count_line=S('records.none'), views=[view('all',0,'/records',True)], has_rows=False, rows=[], has_next=False, empty_icon='banyan', empty_title=S('records.empty'), empty_text=S('records.empty_text'))
    return base

for lang in ('zh', 'en'):
    x = '' if lang == 'zh' else '.en'
    put('today'+x, shell('today', live='records sync today', sync='warn'), today())
    put('records'+x, shell('records', live='records'), records())
    put('record'+x, shell('records', live='records sync', sync='warn', back='/record/k7mq2xab'), record())
    put('form'+x, shell('new', live='records'), form(False))
    put('sync'+x, shell('sync', live='sync', sync='warn'), sync())
    put('members'+x, shell('members', live='roster'), members())
    put('reports'+x, shell('reports', live='records'), reports())
    put('session'+x, shell('session', live='records'), session())
lang = 'zh'
t = today(); t.update(has_guide=False, notices=[], lead=S('today.lead_none',date='9月17日 星期四'), greeting=S('today.morning',name='王芳'), people=[], feed=[], has_feed=False, **dict(as_of=S('asof.none',when='今天 09:26'),has_missing=False,missing=''))
for q in t['queues']: q.update(has_items=False, rows=[], has_more=False, tone='good')
for n in t['numbers']: n.update(value='0', note='')
t['notices'] = [note('warn','warn',S('notice.alone'),S('notice.alone.link'),'/invite')]
put('today.empty', shell('today'), t)
t = today(); t.update(greeting=S('today.evening',name=N('chen')), lead=S('today.lead',date='9月17日 星期四',n=2), has_guide=False, notices=[]); q0 = t['queues'][0]
t['queues'] = [dict(q0,id='returned',tone='warn',icon='return',title=S('today.returned'),lead=S('today.returned.lead'),count='1',count_words='退回给你的：1 件',rows=[dict(q0['rows'][0],meta='入户走访 · 王芳 今天 10:03 退回',has_tag=True,tag='走访情况',tag_tone='warn',tag_icon='return')],has_more=False),dict(q0,id='mine',tone='',icon='task',title=S('today.mine'),lead=S('today.mine.lead'),count='1',count_words='你的任务：1 件',rows=[dict(q0['rows'][1],title='给陈**代取降压药',meta='该 9月19日 办 · 何婉仪派的')],has_more=False),dict(q0,id='late',tone='good',icon='clock',title=S('today.late'),has_items=False,rows=[],has_more=False,empty=S('today.late.empty'))]
put('today.volunteer', shell('today', me='chen', role='volunteer', sync='bad'), t)
put('records.nomatch', shell('records'), records('match')); put('records.empty', shell('records'), records('empty'))
put('record.review', shell('records', live='records', has_flash=True, flash_tone='good', flash_icon='check', flash=S('clash.chosen',who=N('zhou'),other=N('aunt')), can_undo=True, undo_action='/undo/1'), record_review())
put('record.returned', shell('records', me='chen', role='volunteer', live='records'), record_returned())
put('record.erased', shell('records'), record_erased())
put('form.errors', shell('new'), form(True)); put('new', shell('new'), new())
put('session.empty', shell('session'), session(True))
put('members.empty', shell('members'), members(True)); put('member', shell('members', live='roster'), member())
for k in ('form','ticket','error'): put('invite.'+k, shell('members'), invite(k))
put('devices', shell('members'), devices())
put('sync.offline', shell('sync', sync='bad'), sync(off=True)); put('sync.empty', shell('sync'), sync(empty=True))
put('reports.empty', shell('reports'), reports(True)); put('report_print', shell('reports'), report_print()); put('certificate', shell('members'), certificate())
put('import.upload', shell('import'), imp('upload', True)); put('import.map', shell('import'), imp('map')); put('import.check', shell('import'), imp('check'))
put('settings', shell('settings', text='large'), settings(True)); put('schema', shell('settings'), schema()); put('schema_kind', shell('settings'), schema_kind(True))
put('notice', shell('session'), dict(up='回到第 38 次分享会', up_href='/session/s38', title='分享会决议公示', sub=S('pub.sub', **{'from': '9月18日', 'to': '9月25日'}), intro='第 38 次分享会（2026年9月18日，良登村榕树头，12 人到会）商量了 3 件事，定下 2 条决议，现予公示。', head=['决定做什么','谁负责','哪天前','表决'],
  rows=[dict(label=a,is_sum=False,cells=[dict(label=h,text=x) for h,x in zip(['谁负责','哪天前','表决'],b)]) for a,b in [('请供电所更换祠堂巷口路灯线路；修好之前轮流守一盏灯',['周炳添','9月25日','一致同意']),('每周三为独居老人代取药',['陈小明','9月23日起','11 人同意，1 人弃权'])]], how=['到志愿服务站当面说，每天 9:00–17:00。','打电话 0757-8544****，或把纸条放进榕树头的意见箱。',S('pub.personal')], issuer='丹灶志愿服务站', date='2026年9月18日'))
put('audit', shell('audit', live='roster'), audit()); put('held', shell('today', live='records'), held()); put('held.volunteer', shell('today', me='chen', role='volunteer'), held(False)); put('held.empty', shell('today'), dict(items=[]))
put('duplicates', shell('today', live='records'), duplicates()); put('duplicates.empty', shell('today'), dict(lead='', has_masked=False, show_word='', show_href='', pairs=[]))
put('communities', shell('communities', live='records'), communities()); put('more', shell('more'), more())
put('open', shell('', nav=[]), openp(True)); put('open.expired', shell('', nav=[]), openp(False))
for k in ('e404','e403','store'): put('error.'+k, shell('', nav=[]), error(k))
put('confirm', shell('records', back='/record/k7mq2xab'), dict(title='真的要永久删除吗？', points=[S('record.erase_ask',title='祠堂巷口路灯坏了'),'所有人的手机、电脑和中继都会删掉内容，删了谁也恢复不了。'], action='/record/k7mq2xab/erase', hidden=[opt('field','')], yes='永久删除'))
say = {k for k in CAT['zh'] if k in USED}
json.dump(sorted(USED), open('/tmp/used_keys.json','w'))
print(len(os.listdir(f'{HERE}/data')), 'files')
