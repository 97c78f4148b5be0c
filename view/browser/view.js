'use strict';
// Keys, flags, colours and news of the viewer's pages. Every page works without it, but for flags. Texts are put in place as texts.
(() => {
  const THEMES = ['', 'light', 'dark'];
  const theme = () => localStorage.getItem('rehearse-theme') ?? '';
  const showTheme = () => {
    if (theme() === '') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme();
  };
  showTheme(); // before the page is drawn

  const POLL_MS = 4000;

  function start() {
    const find = (selector) => document.querySelector(selector);
    const run = document.body.dataset.run;
    const rows = [...document.querySelectorAll('[data-id]')];
    let selected = Math.max(
      0,
      rows.findIndex((row) => row.dataset.id === sessionStorage.getItem('rehearse-row')),
    );

    const follow = (rel) => find(`a[rel=${rel}]`)?.click();
    const isList = find('.rows') !== null;

    function select(index) {
      if (!isList || rows.length === 0) return;
      rows[selected]?.classList.remove('selected');
      selected = Math.min(Math.max(index, 0), rows.length - 1);
      rows[selected].classList.add('selected');
      rows[selected].scrollIntoView({ block: 'nearest' });
      sessionStorage.setItem('rehearse-row', rows[selected].dataset.id);
    }

    function nextTheme() {
      localStorage.setItem('rehearse-theme', THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
      showTheme();
    }

    async function post(body) {
      const answer = await fetch(`${run}/flags`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return await answer.json();
    }

    async function flag() {
      const row = isList ? rows[selected] : find('article[data-id]');
      if (!row || (!isList && !find('[data-flag-button]'))) return;
      const { id } = row.dataset;
      if (row.classList.contains('flagged') || row.dataset.flag) {
        await post({ id, remove: true });
        location.reload();
        return;
      }
      find('#flagged-id').textContent = id;
      find('#flag-error').textContent = '';
      find('#flagging').showModal();
      find('#flag-reason').focus();
      find('#flag-save').onclick = async (event) => {
        event.preventDefault();
        const { error } = await post({ id, reason: find('#flag-reason').value });
        if (error === undefined) location.reload();
        else find('#flag-error').textContent = error;
      };
    }

    function fold() {
      const all = [...document.querySelectorAll('details.judges')];
      const open = all.some((each) => !each.open);
      for (const each of all) each.open = open;
    }

    const KEYS = {
      j: () => (isList ? select(selected + 1) : follow('next')),
      k: () => (isList ? select(selected - 1) : follow('prev')),
      Enter: () => isList && rows[selected]?.querySelector('a')?.click(),
      u: () => follow('up'),
      '/': () => (find('#search') ? find('#search').focus() : follow('up')),
      f: () => void flag(),
      o: fold,
      '[': () => isList && follow('prev'),
      ']': () => isList && follow('next'),
      r: () => location.reload(),
      t: nextTheme,
      '?': () => find('#keys').showModal(),
    };
    document.addEventListener('keydown', (event) => {
      const { target, key } = event;
      if (event.ctrlKey || event.metaKey || event.altKey || find('dialog[open]')) return;
      if (target instanceof Element && target.closest('input, select, textarea')) {
        if (key === 'Escape') target.blur();
        return;
      }
      if (key === 'Enter' && target instanceof Element && target.closest('a, button, summary')) return;
      const page = document.querySelectorAll('header nav a')[Number(key) - 1];
      const action = page ? () => page.click() : KEYS[key];
      if (action === undefined) return;
      event.preventDefault();
      action();
    });

    find('#flag-cancel')?.addEventListener('click', () => find('#flagging').close());
    find('#theme')?.addEventListener('click', nextTheme);
    find('#help')?.addEventListener('click', () => find('#keys').showModal());
    for (const choice of document.querySelectorAll('#runs, #sets')) choice.addEventListener('change', () => location.assign(choice.value));
    find('[data-flag-button]')?.addEventListener('click', () => void flag());
    for (const choice of document.querySelectorAll('#filters select, #filters [type=checkbox]')) {
      choice.addEventListener('change', () => find('#filters').requestSubmit());
    }
    // A link says what it narrows by, and nothing else.
    find('#filters')?.addEventListener('submit', () => {
      for (const field of find('#filters').elements) {
        if (field.value === '' || (field.name === 'sort' && field.value === 'id')) field.disabled = true;
      }
    });
    select(selected);

    async function news() {
      try {
        const answer = await fetch(`${run}/state`);
        const { text, version } = await answer.json();
        const changed = String(version) !== document.body.dataset.version;
        if (changed && isList && rows.length === 0) location.reload(); // it was empty: nobody is reading it
        find('#state').textContent = changed ? `${text} · press r to see them` : text;
        find('#state').classList.toggle('news', changed);
      } catch {
        find('#state').textContent = 'the server has ended';
      }
      setTimeout(() => void news(), POLL_MS);
    }
    if (run) setTimeout(() => void news(), POLL_MS);
  }

  document.addEventListener('DOMContentLoaded', start);
})();
