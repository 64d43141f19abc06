namespace Esper.Graph.Onnx;

/// <summary>What is wrong with the node that is being imported; the importer adds which one it is and goes on with the next.</summary>
internal sealed class ImportFailure(string message) : Exception(message);
