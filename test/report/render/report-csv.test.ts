import { contaminationCsv } from '../../../report/render/report-csv';

test('CSV cells are quoted where they must be, and are never a formula', () => {
  expect(contaminationCsv([{ instructionId: 'i0', task: 'gpqa', documentId: '=cmd("x"),1', ngram: 'a b' }])).toBe(
    'instructionId,task,documentId,ngram\r\ni0,gpqa,"\'=cmd(""x""),1",a b\r\n',
  );
});
