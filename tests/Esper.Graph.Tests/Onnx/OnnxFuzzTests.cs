using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using Esper.Contracts;
using Esper.Graph.Onnx;
using Xunit.Abstractions;

namespace Esper.Graph.Tests.Onnx;

/// <summary>
/// Damaged and hostile models: the importer makes a host of them or says what is wrong; it neither fails otherwise, nor takes memory out of proportion,
/// nor hangs. Minutes of it: <c>ESPER_FUZZ_MINUTES=30 dotnet test tests/Esper.Graph.Tests -c Release --filter OnnxFuzz</c>; more models to start
/// from: <c>ESPER_FUZZ_CORPUS=DIR</c>.
/// </summary>
public sealed class OnnxFuzzTests(ITestOutputHelper output)
{
    private const int Cases = 4000;

    // A case may take this and a multiple of its file: decoded tensors, their parameters, names.
    private const long FreeBytes = 64 << 20;
    private const long BytesOfOne = 200;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    [Fact]
    public void Damaged_models_are_refused_or_imported()
    {
        double minutes = double.TryParse(Environment.GetEnvironmentVariable("ESPER_FUZZ_MINUTES"), CultureInfo.InvariantCulture, out double asked) ? asked : 0;
        long first = minutes > 0 ? DateTime.UtcNow.Ticks : 1;
        ModelMutator mutator = new(Corpus());
        Stopwatch clock = Stopwatch.StartNew();
        (long cases, long imported, long refused) = (0, 0, 0);
        while (minutes > 0 ? clock.Elapsed.TotalMinutes < minutes : cases < Cases)
        {
            long seed = first + cases;
            byte[] file = mutator.Mutate(seed);
            if (Accepts(file, seed))
            {
                imported++;
            }
            else
            {
                refused++;
            }

            cases++;
        }

        output.WriteLine($"{cases} cases from seed {first} in {clock.Elapsed}: {imported} imported, {refused} refused");

        // A mutator that only makes rubbish, or none, tests nothing.
        Assert.True(imported > cases / 50 && refused > cases / 50, $"{imported} imported, {refused} refused");
    }

    private static bool Accepts(byte[] file, long seed)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Stopwatch clock = Stopwatch.StartNew();
        bool imported = false;
        try
        {
            ImportedHost host = OnnxImporter.Import(OnnxReader.Read(file));
            _ = GraphCost.Of(host.Graph);
            _ = LatticeWrapping.Candidates(host.Graph);
            imported = true;
        }
        catch (EsperException e)
        {
            Assert.NotEmpty(e.Message);
        }
        catch (Exception e)
        {
            Assert.Fail($"seed {seed}: {e}");
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < FreeBytes + (BytesOfOne * file.Length), $"seed {seed}: {allocated} bytes for a file of {file.Length}");
        Assert.True(clock.Elapsed < Longest, $"seed {seed}: {clock.Elapsed}");
        return imported;
    }

    private static ImmutableArray<OnnxModel> Corpus()
    {
        IEnumerable<OnnxModel> models = SampleModels.All();
        if (Environment.GetEnvironmentVariable("ESPER_FUZZ_CORPUS") is { Length: > 0 } directory)
        {
            models = models.Concat(Directory.GetFiles(directory, "*.onnx").Select(path => OnnxReader.Read(File.ReadAllBytes(path))));
        }

        return [.. models];
    }
}
