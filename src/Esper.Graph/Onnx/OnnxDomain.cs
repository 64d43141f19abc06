namespace Esper.Graph.Onnx;

/// <summary>Domains of operators.</summary>
internal static class OnnxDomain
{
    /// <summary>The domain under one name: <c>ai.onnx</c> is ONNX's own, <c>""</c>.</summary>
    public static string Of(string domain) => domain == "ai.onnx" ? "" : domain;
}
