/** The ids of the examples in the API documents: the same people, conversation and message everywhere. */
export const sampleIds = {
  alice: "0198c0de-0000-7000-8000-00000000a11c",
  bob: "0198c0de-0000-7000-8000-000000000b0b",
  carol: "0198c0de-0000-7000-8000-00000000ca01",
  conversation: "019ab120-3f00-7abc-8def-0123456789ab",
  message: "019ab123-4567-7abc-8def-0123456789ab",
} as const;
