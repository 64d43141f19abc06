using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Esper.Contracts;
using Esper.Data;
using Esper.Graph;
using Esper.Graph.Onnx;
using Xunit.Abstractions;

namespace Esper.Tolaria.Tests;

/// <summary>
/// ONNX's own node tests for every operator that hosts have, through importer and executor. What is refused stands in <c>tests/onnx/refused.txt</c> with the
/// reason; a case that is not there must give ONNX's numbers, and one that is there must still be refused.
/// </summary>
public sealed class OnnxConformanceTests(ITestOutputHelper output)
{
    [PythonOnnxFact]
    public void Node_tests_pass_or_are_known_to_be_refused()
    {
        string directory = Directory.CreateTempSubdirectory("esper-onnx-cases").FullName;
        try
        {
            Generate(directory);
            ImmutableDictionary<string, string> refused = Refused();
            SortedDictionary<string, string> failures = new(StringComparer.Ordinal);
            string[] cases = [.. Directory.GetDirectories(directory).Order(StringComparer.Ordinal)];
            foreach (string path in cases)
            {
                if (Difference(path) is { } difference)
                {
                    failures.Add(Path.GetFileName(path), difference);
                }
            }

            output.WriteLine($"{cases.Length} cases, {cases.Length - failures.Count} passed, {failures.Count} refused or wrong");
            string[] unexpected = [.. failures.Where(f => !refused.ContainsKey(f.Key)).Select(f => $"{f.Key}: {f.Value}")];
            string[] mended = [.. refused.Keys.Where(name => !failures.ContainsKey(name)).Select(name => $"{name}: passes, take it off the list")];
            Assert.True(cases.Length > 350, $"{cases.Length} cases");
            Assert.True(unexpected.Length + mended.Length == 0, string.Join('\n', unexpected.Concat(mended)));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static void Generate(string directory)
    {
        IEnumerable<string> operators = OperatorCatalog.Names.Where(name => !name.Contains('.', StringComparison.Ordinal));
        ProcessStartInfo start = new(PythonOnnxFactAttribute.Python, [Repository("tests/onnx/node_cases.py"), directory, .. operators])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors.Result);
    }

    private static ImmutableDictionary<string, string> Refused() => File.ReadLines(Repository("tests/onnx/refused.txt"))
        .Where(line => line.Length > 0 && line[0] != '#')
        .Select(line => line.Split(": ", 2))
        .ToImmutableDictionary(parts => parts[0], parts => parts[1], StringComparer.Ordinal);

    // What is wrong with a case; null where its outputs are ONNX's.
    private static string? Difference(string directory)
    {
        try
        {
            ImportedHost host = OnnxImporter.Import(Path.Combine(directory, "model.onnx"));
            ModelResult result = ModelRunner.Run(host.Graph, Arrays(directory, "in"), threads: 1);
            NpyArray[] expected = Arrays(directory, "out");
            return result.Outputs.Select((made, i) => Difference(made.Value, expected[i])).FirstOrDefault(difference => difference is not null);
        }
        catch (Exception e) when (e is EsperException or Native.NativeException)
        {
            return e.Message;
        }
    }

    private static NpyArray[] Arrays(string directory, string kind) =>
    [
        .. Enumerable.Range(0, 1000).Select(i => Path.Combine(directory, $"{kind}{i}.npy")).TakeWhile(File.Exists).Select(NpyFile.Read),
    ];

    private static string? Difference(NpyArray made, NpyArray expected)
    {
        // Hosts compute narrow integers in 64 bits and halves in 32, which both files hold so.
        if (!made.Shape.SequenceEqual(expected.Shape) || made.Type != expected.Type)
        {
            return $"{made} instead of {expected}";
        }

        double[] a = Numbers(made), b = Numbers(expected);
        double worst = 0;
        for (int i = 0; i < a.Length; i++)
        {
            bool same = a[i].Equals(b[i]) || Math.Abs(a[i] - b[i]) <= 1e-5 + (1e-3 * Math.Abs(b[i]));
            worst = same ? worst : Math.Max(worst, double.IsNaN(a[i] - b[i]) ? double.PositiveInfinity : Math.Abs(a[i] - b[i]));
        }

        return worst > 0 ? $"numbers differ by up to {worst}" : null;
    }

    private static double[] Numbers(NpyArray array) => array.Type switch
    {
        NpyType.Float32 => [.. MemoryMarshal.Cast<byte, float>(array.Content).ToArray().Select(value => (double)value)],
        NpyType.Float64 => MemoryMarshal.Cast<byte, double>(array.Content).ToArray(),
        NpyType.Int64 => [.. MemoryMarshal.Cast<byte, long>(array.Content).ToArray().Select(value => (double)value)],
        _ => [.. array.Content.Select(value => (double)value)],
    };

    private static string Repository(string path)
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "Esper.sln")))
        {
            directory = Path.GetDirectoryName(directory);
        }

        return Path.Combine(directory ?? throw new InvalidOperationException("The tests do not lie in the repository."), path);
    }
}
