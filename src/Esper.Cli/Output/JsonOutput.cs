using System.Text.Encodings.Web;
using System.Text.Json;
using Esper.Contracts;

namespace Esper.Cli.Output;

/// <summary>Writes the one JSON document of a <c>--json</c> call.</summary>
internal static class JsonOutput
{
    // The document stands in no web page: names such as lowrank-8+gated and their formulas stay readable.
    private static readonly JsonSerializerOptions Readable =
        new(EsperJson.Indented) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the document and a line break.</summary>
    public static void Write<T>(TextWriter output, T document)
        where T : notnull => output.WriteLine(JsonSerializer.Serialize(document, Readable));
}
