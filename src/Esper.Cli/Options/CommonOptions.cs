using System.CommandLine;
using Esper.Cli.Output;

namespace Esper.Cli.Options;

/// <summary>Options that several commands have in common.</summary>
internal static class CommonOptions
{
    /// <summary>Machine-readable output.</summary>
    public static Option<bool> Json(string document) => new("--json")
    {
        Description = $"Write {document} as one JSON document to standard output, everything else to standard error.",
    };

    /// <summary>Stack traces of unexpected failures.</summary>
    public static Option<bool> Verbose() => new("--verbose")
    {
        Description = "Show the stack trace of an unexpected failure.",
        Recursive = true,
    };

    /// <summary>A directory or a file with data.</summary>
    public static Option<string> Data(string description) => new("--data") { HelpName = "PATH", Description = description };

    /// <summary>The directory of a run.</summary>
    public static Argument<string> RunDirectory() => new("DIR")
    {
        Description = "Directory of a run: the one given by --out, or named at the end of 'esper train'.",
    };

    /// <summary>A whole number in a range.</summary>
    public static Option<int> Number(string name, string value, string description, int minimum, int standard) => new(name)
    {
        HelpName = value,
        Description = $"{description} [default:{TextWrap.Unbroken}{standard}]",
        DefaultValueFactory = _ => standard,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (int.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out int number) && number >= minimum)
            {
                return number;
            }

            result.AddError($"{name}: '{text}' is not a whole number from {minimum}.");
            return standard;
        },
    };
}
