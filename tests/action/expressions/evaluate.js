// Evaluates expressions of workflows with GitHub's own code: a line of JSON in, a line out.
import { createInterface } from "node:readline";
import { data, Evaluator, Lexer, Parser } from "@actions/expressions";

function statusFunctions(status) {
  const held = { success: false, failure: false, cancelled: false, [status]: true, always: true };
  return Object.entries(held).map(([name, value]) => ({
    name,
    minArgs: 0,
    maxArgs: 0,
    call: () => new data.BooleanData(value),
  }));
}

function evaluate({ expression, contexts, status }) {
  const context = JSON.parse(JSON.stringify(contexts), data.reviver);
  const functions = statusFunctions(status);
  const parser = new Parser(new Lexer(expression).lex().tokens, Object.keys(contexts), functions);
  const byName = new Map(functions.map((each) => [each.name, each]));
  return { text: new Evaluator(parser.parse(), context, byName).evaluate().coerceString() };
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = evaluate(JSON.parse(line));
  } catch (error) {
    answer = { error: `${error.name}: ${error.message}` };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
