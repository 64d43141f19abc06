namespace Esper.Bindings;

/// <summary>Something a person can mend: a tool that is missing, a header that the generator cannot express.</summary>
internal sealed class BindingException(string message) : Exception(message);
