import { webUiListUrl, webUiUrl } from '../../../cli/server/connect';

beforeEach(() => {
  process.env['REHEARSE_UI_URL'] = 'https://temporal.example/ui/';
});

afterEach(() => {
  delete process.env['REHEARSE_UI_URL'];
});

test('a run that has just begun is shown by the page that says where it stands', () => {
  expect(webUiUrl('my run', 'team.a1b2c', '0199')).toBe(
    'https://temporal.example/ui/namespaces/team.a1b2c/workflows/my%20run/0199/user-metadata',
  );
  expect(webUiUrl('my-run')).toBe('https://temporal.example/ui/namespaces/default/workflows/my-run');
});

test('the list in the Web UI is one of experiments alone', () => {
  const url = new URL(webUiListUrl('team') ?? '');
  expect(url.pathname).toBe('/ui/namespaces/team/workflows');
  expect(url.searchParams.get('query')).toBe('`WorkflowType`="experiment"');
});

test('where it is said that there is no Web UI, there are no links', () => {
  process.env['REHEARSE_UI_URL'] = '';
  expect([webUiUrl('my-run'), webUiListUrl()]).toEqual([undefined, undefined]);
});
