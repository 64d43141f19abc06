using System.Diagnostics.CodeAnalysis;

[assembly: SuppressMessage(
    "Naming", "CA1720:Identifier contains type name", Justification = "Element types and attribute kinds carry ONNX's names.")]
[assembly: SuppressMessage(
    "Naming", "CA1710:Identifiers should have correct suffix", Justification = "Domain terms that happen to be enumerable.")]
[assembly: SuppressMessage(
    "Naming", "CA1711:Identifiers should not have incorrect suffix", Justification = "ONNX calls the parts of its files so.",
    Scope = "type", Target = "~T:Esper.Graph.Onnx.OnnxAttribute")]
