/** Texts such as a small model writes, for the sample run. */
export const SAMPLE_INSTRUCTIONS: readonly string[] = [
  'How do I calculate the average of a list of numbers in Python?',
  'Write a short story about a lighthouse keeper who finds a message in a bottle.',
  'What are the main causes of the French Revolution?',
  'Explain the difference between a virus and a bacterium to a ten-year-old.',
  'Can you help me write an email to my landlord about a leaking tap?\n\nThe tap is in the kitchen and has been leaking for two weeks.',
  'List five ways to save water at home.',
  'I have 3 apples and buy 2 bags of 4 apples each. How many apples do I have now?',
  'What is the capital of Australia, and why is it not Sydney?',
  'Summarize the following text: "The water cycle describes how water moves above, on and below the surface of the Earth."',
  'Give me a recipe for a simple vegetable soup.',
  'How does a bill become a law?',
  'Write a haiku about autumn leaves.',
  'What should I consider before adopting a dog?',
  'Translate "good morning" into French, Spanish and German.',
];

export const SAMPLE_ANSWERS: readonly string[] = [
  'Add all the numbers together, then divide the sum by how many there are:\n\n```python\nnumbers = [2, 4, 6]\nprint(sum(numbers) / len(numbers))\n```\n\nThis prints `4.0`.',
  'There are several things to keep in mind. First, think about what you need. Second, look at what you already have. Third, make a plan and follow it step by step.',
  'That is a great question! The short answer is that it depends on the circumstances, but in most cases the following holds: start small, check often, and ask for help when you need it.',
  'The night the storm came, old Maren climbed the stairs as she had every night for thirty years. In the morning a green bottle lay on the sand, and in it a letter addressed to her.',
  'Here are five ways:\n\n1. Fix leaking taps.\n2. Take shorter showers.\n3. Collect rain water.\n4. Run full loads only.\n5. Water plants in the evening.',
  'You have 11 apples: 3 + 2 × 4 = 11.',
  'I am not sure about this one. The answer may be found in a library or by asking an expert in the field.',
];
