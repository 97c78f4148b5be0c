"""Serve a model's safetensors behind the OpenAI API with transformers, one request at a time, until a signal ends it.

For small models and for tests: a GPU server such as vLLM does the same a hundred times as fast. What llama.cpp's server
lacks and evaluation needs is here: `echo` with `logprobs` in /v1/completions, the log-probabilities of a prompt.
"""

import argparse
import json
import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedTokenizerBase,
    StoppingCriteriaList,
    StopStringCriteria,
    set_seed,
)

MOST_BODY_BYTES = 64 * 1024 * 1024
JsonObject = dict[str, Any]


class BadRequestError(ValueError):
    """A request that cannot be answered, in words for its sender."""


class Engine:
    """A model and its tokenizer. Not for several threads at once."""

    def __init__(self, weights: Path, dtype: str) -> None:
        """Load the model onto the first GPU, else the CPU."""
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.tokenizer = cast("PreTrainedTokenizerBase", AutoTokenizer.from_pretrained(weights))
        model = AutoModelForCausalLM.from_pretrained(weights, dtype=getattr(torch, dtype))
        self.model = model.to(self.device).eval()
        self.most_tokens = int(getattr(model.config, "max_position_embeddings", 2048))

    def completion(self, body: JsonObject) -> Iterator[tuple[JsonObject, int, int]]:
        """Yield {text, finish_reason, logprobs} with prompt and completion tokens of each choice."""
        prompts = body.get("prompt", "")
        if isinstance(prompts, str) or (prompts and isinstance(prompts[0], int)):
            prompts = [prompts]
        for prompt in prompts:
            ids = prompt if isinstance(prompt, list) else self.tokenizer.encode(prompt, add_special_tokens=False)
            for sample in range(int(body.get("n") or 1)):
                written, reason = self.write(ids, body, sample)
                echo = bool(body.get("echo"))
                shown = [*ids, *written] if echo else written
                # Of what is echoed special tokens are part, as they are of the prompt.
                text = (self.decode(ids, special=True) if echo else "") + self.text(written, body)
                logprobs = self.logprobs([*ids, *written], len(shown)) if body.get("logprobs") is not None else None
                yield {"text": text, "finish_reason": reason, "logprobs": logprobs}, len(ids), len(written)

    def chat(self, body: JsonObject) -> Iterator[tuple[JsonObject, int, int]]:
        """Yield {message, finish_reason} with prompt and completion tokens of each choice."""
        prompt = self.tokenizer.apply_chat_template(body["messages"], tokenize=False, add_generation_prompt=True)
        ids = self.tokenizer.encode(prompt, add_special_tokens=False)
        for sample in range(int(body.get("n") or 1)):
            written, reason = self.write(ids, body, sample)
            message = {"role": "assistant", "content": self.text(written, body)}
            yield {"message": message, "finish_reason": reason}, len(ids), len(written)

    @torch.inference_mode()
    def write(self, ids: list[int], body: JsonObject, sample: int) -> tuple[list[int], str]:
        """Return the tokens that the model writes after `ids`, without the end of the turn, and why it ended."""
        most = int(body.get("max_tokens") or body.get("max_completion_tokens") or 16)
        if not ids or len(ids) + most > self.most_tokens:
            raise BadRequestError(f"{len(ids)} tokens and a reply of {most} do not fit a context of {self.most_tokens}")
        temperature = float(1.0 if body.get("temperature") is None else body["temperature"])
        if body.get("seed") is not None:
            set_seed(int(body["seed"]) + sample)
        stops = self.stops(body)
        sampling = {"do_sample": True, "temperature": temperature, "top_p": float(body.get("top_p") or 1), "top_k": 0}
        prompt = torch.tensor([ids], device=self.device)
        out = self.model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=most,
            pad_token_id=self.tokenizer.pad_token_id or self.tokenizer.eos_token_id,
            stopping_criteria=StoppingCriteriaList([StopStringCriteria(self.tokenizer, stops)] if stops else []),
            **(sampling if temperature > 0 else {"do_sample": False}),
        )
        written = out[0, len(ids) :].tolist()
        ends = self.model.generation_config.eos_token_id
        if written and written[-1] in (ends if isinstance(ends, list) else [ends]):
            return written[:-1], "stop"
        stopped = any(stop in self.decode(written, special=True) for stop in stops)
        return written, "stop" if stopped or len(written) < most else "length"

    def stops(self, body: JsonObject) -> list[str]:
        """Return the stop strings of a request."""
        stop = body.get("stop") or []
        return [text for text in ([stop] if isinstance(stop, str) else stop) if text]

    def text(self, written: list[int], body: JsonObject) -> str:
        """Return what was written, up to the first stop string."""
        text = self.decode(written, special=False)
        ends = [text.index(stop) for stop in self.stops(body) if stop in text]
        return text[: min(ends)] if ends else text

    def decode(self, ids: list[int], *, special: bool) -> str:
        """Return the text of tokens as it is, blanks included."""
        return str(self.tokenizer.decode(ids, skip_special_tokens=not special, clean_up_tokenization_spaces=False))

    @torch.inference_mode()
    def logprobs(self, ids: list[int], shown: int) -> JsonObject:
        """Return the last `shown` tokens' log-probabilities, and the likeliest token's; the first has none."""
        logits = self.model(torch.tensor([ids], device=self.device)).logits[0, :-1].float()
        scores = torch.log_softmax(logits, dim=-1)
        own = scores.gather(1, torch.tensor(ids[1:], device=self.device).unsqueeze(1)).squeeze(1).tolist()
        best = scores.max(dim=-1)
        top = [
            {self.decode([token], special=True): score}
            for token, score in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ]
        first = len(ids) - shown
        return {
            "tokens": [self.decode([token], special=True) for token in ids[first:]],
            "token_logprobs": [None, *own][first:],
            "top_logprobs": [None, *top][first:],
        }


def handler(engine: Engine, alias: str) -> type[BaseHTTPRequestHandler]:
    """Return the HTTP side of `engine`, which answers one request after the other."""
    turn = threading.Lock()
    routes = {
        "/v1/completions": ("text_completion", engine.completion),
        "/v1/chat/completions": ("chat.completion", engine.chat),
    }

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            models = {"object": "list", "data": [{"id": alias, "object": "model"}]}
            known = {"/health": {"status": "ok"}, "/v1/models": models}
            self.reply(200 if self.path in known else 404, known.get(self.path, refusal("no such path")))

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            if self.path not in routes or length > MOST_BODY_BYTES:
                self.close_connection = True
                self.reply(404 if self.path not in routes else 413, refusal("no such path, or too long a request"))
                return
            kind, answer = routes[self.path]
            try:
                body = json.loads(self.rfile.read(length))
                if body.get("model") not in (alias, None):
                    self.reply(404, refusal(f"there is no model {body['model']!r} here, only {alias!r}"))
                    return
                with turn:
                    answers = list(answer(body))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                self.reply(400, refusal(str(error) or type(error).__name__))
                return
            prompt, completion = sum(asked for _, asked, _ in answers), sum(written for _, _, written in answers)
            usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
            choices = [{"index": index, **choice} for index, (choice, _, _) in enumerate(answers)]
            self.reply(200, {"object": kind, "model": alias, "choices": choices, "usage": usage})

        def reply(self, status: int, body: JsonObject) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing of single requests."""

    return Handler


def refusal(message: str) -> JsonObject:
    """Return an error in the API's shape."""
    return {"error": {"message": message, "type": "invalid_request_error"}}


def main() -> None:
    """Start the server from the command line's arguments; exit with EX_CONFIG where a second try is useless."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="directory with config.json and *.safetensors")
    parser.add_argument("--alias", required=True, help="name of the model in the API")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    try:
        if not (args.weights / "config.json").is_file():
            raise FileNotFoundError("it has no config.json")
        engine = Engine(args.weights, args.dtype)
    except (OSError, ValueError, KeyError, SafetensorError) as error:  # memory may be free later: a RuntimeError
        print(f"serve_weights: {args.weights} cannot be loaded: {error}", file=sys.stderr)
        sys.exit(os.EX_CONFIG)
    server = ThreadingHTTPServer((args.host, args.port), handler(engine, args.alias))
    print(f"listening on http://{args.host}:{args.port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
