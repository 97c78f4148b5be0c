import type { PythonEnvironment } from '../../services/local/python-environment';
import { runCommand } from '../../services/local/run-command';

/** A network of two narrow layers with the shipped model's tokenizer: its vocabulary, a tenth of its work, checkpoints of 40 MB. */
const NARROW_MODEL = `
import sys
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
source, to = sys.argv[1:]
config = AutoConfig.from_pretrained(source)
config.update({"num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 32})
torch.manual_seed(7)
AutoModelForCausalLM.from_config(config).save_pretrained(to)
AutoTokenizer.from_pretrained(source).save_pretrained(to)
`;

/** Writes such a model. @param from directory of the model whose tokenizer and configuration it has */
export async function writeNarrowModel({ python }: PythonEnvironment, from: string, to: string): Promise<void> {
  await runCommand({ command: python, args: ['-c', NARROW_MODEL, from, to] });
}
