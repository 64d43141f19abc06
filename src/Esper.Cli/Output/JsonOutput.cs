using System.Text.Json;
using Esper.Contracts;

namespace Esper.Cli.Output;

/// <summary>Writes the one JSON document of a <c>--json</c> call.</summary>
internal static class JsonOutput
{
    /// <summary>Writes the document and a line break.</summary>
    public static void Write<T>(TextWriter output, T document)
        where T : notnull => output.WriteLine(JsonSerializer.Serialize(document, EsperJson.Indented));
}
