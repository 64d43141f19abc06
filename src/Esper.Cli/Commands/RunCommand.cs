using System.Collections.Immutable;
using System.CommandLine;
using Esper.Cli.Options;
using Esper.Cli.Output;
using Esper.Contracts;
using Esper.Data;
using Esper.Graph.Onnx;
using Esper.Tolaria;

namespace Esper.Cli.Commands;

/// <summary><c>esper run</c>: one pass of an ONNX model on arrays in files, to compare numbers with other programs.</summary>
internal static class RunCommand
{
    /// <summary>Creates the command.</summary>
    public static EsperCommand Create(CliEnvironment environment)
    {
        Argument<string> file = new("FILE") { Description = "An ONNX model." };
        Option<string[]> inputs = new("--input")
        {
            HelpName = "FILE.npy",
            Description = "An array for an input of the model, in its order, or NAME=FILE.npy. May be repeated.",
            DefaultValueFactory = _ => [],
        };
        Option<string> directory = new("--output") { HelpName = "DIR", Description = "Where the arrays are written, one .npy a value.", Required = true };
        Option<bool> training = new("--train-mode") { Description = "Run normalisations and Dropout as in training." };
        Option<string?> gradients = new("--grads")
        {
            HelpName = "OUTPUT",
            Description = "Also write each parameter's gradient of the sum of this output; without a name, of the first one.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<string[]> shapes = InputShapes.Option();
        Option<int> threads = CommonOptions.Number("--threads", "N", "Threads to compute with; 0 = all cores of this process.", minimum: 0, standard: 0);
        Option<bool> json = CommonOptions.Json("the names and files of the arrays");
        return new EsperCommand("run", "Run an ONNX model once on arrays in .npy files.")
            .With(file)
            .WithGroup("What to run", inputs, shapes, training, gradients)
            .WithGroup("Machine", threads)
            .WithGroup("Output", directory, json)
            .WithExample("esper run model.onnx --input images.npy --output out", "the outputs of a model, to compare with ONNX Runtime's")
            .WithExample("esper run model.onnx --input images.npy --output out --train-mode --grads", "and the gradients, to compare with PyTorch's")
            .Does(parsed =>
            {
                bool live = parsed.GetValue(training);
                ImportOptions options = new() { InputShapes = InputShapes.Parse(parsed.GetValue(shapes)!), Live = live };
                ImportedHost host = OnnxImporter.Import(parsed.GetRequiredValue(file), options);
                string? of = parsed.GetResult(gradients) is null ? null : parsed.GetValue(gradients) ?? host.Graph.Outputs[0];
                ModelResult result = ModelRunner.Run(
                    host.Graph, Arrays(host, parsed.GetValue(inputs)!), live, of, parsed.GetValue(threads));
                return Write(environment, parsed.GetRequiredValue(directory), result, parsed.GetValue(json));
            });
    }

    private static NpyArray[] Arrays(ImportedHost host, string[] texts)
    {
        string[] names = [.. host.Graph.Inputs.Select(input => input.Name)];
        NpyArray?[] arrays = new NpyArray?[names.Length];
        foreach (string text in texts)
        {
            // A path may hold '=' itself: only a known name in front of one counts.
            int equals = text.IndexOf('=', StringComparison.Ordinal);
            int index = equals > 0 ? Array.IndexOf(names, text[..equals]) : -1;
            string path = index >= 0 ? text[(equals + 1)..] : text;
            index = index >= 0 ? index : Array.FindIndex(arrays, array => array is null);
            if (index < 0)
            {
                throw new UsageException($"--input: the model has {names.Length} inputs ({string.Join(", ", names)}), more are given.");
            }

            arrays[index] = NpyFile.Read(path);
        }

        int missing = Array.FindIndex(arrays, array => array is null);
        return missing < 0
            ? [.. arrays.OfType<NpyArray>()]
            : throw new UsageException($"--input: input '{names[missing]}' has no array.", $"The inputs are {string.Join(", ", names)}, in this order.");
    }

    private static int Write(CliEnvironment environment, string directory, ModelResult result, bool json)
    {
        try
        {
            Directory.CreateDirectory(directory);
            HashSet<string> taken = new(StringComparer.OrdinalIgnoreCase);
            var outputs = Write(directory, "", result.Outputs, taken);
            var gradients = Write(directory, "grad.", result.Gradients, taken);
            if (json)
            {
                JsonOutput.Write(environment.Output, new { Outputs = outputs, Gradients = gradients });
            }
            else
            {
                environment.Output.WriteLine($"{outputs.Length} outputs and {gradients.Length} gradients in {directory}");
            }

            return ExitCode.Success;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EsperException($"{directory} cannot be written: {e.Message}", e);
        }
    }

    private static ImmutableArray<Written> Write(
        string directory, string prefix, ImmutableArray<KeyValuePair<string, NpyArray>> arrays, HashSet<string> taken)
    {
        ImmutableArray<Written>.Builder written = ImmutableArray.CreateBuilder<Written>(arrays.Length);
        foreach ((string name, NpyArray array) in arrays)
        {
            // Names of values may hold what file names must not.
            string plain = prefix + string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' ? c : '_'));
            string file = plain + ".npy";
            for (int i = 2; !taken.Add(file); i++)
            {
                file = $"{plain}.{i}.npy";
            }

            NpyFile.Write(Path.Combine(directory, file), array);
            written.Add(new Written(name, file, array.Type.ToString(), array.Shape));
        }

        return written.MoveToImmutable();
    }

    private sealed record Written(string Name, string File, string Type, ImmutableArray<long> Shape);
}
