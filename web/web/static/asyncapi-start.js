// The page of the events, made from a document of this origin.
fetch("/asyncapi.json")
  .then((answer) => answer.json())
  .then((schema) => AsyncApiStandalone.render(
    { schema, config: { show: { errors: false }, expand: { messageExamples: false } } },
    document.getElementById("reference"),
  ));
