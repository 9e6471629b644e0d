"""The appendix in its formats: one `Document` in, the texts of files out.

    latex.render(document, LatexOptions())           -> {file name: text}
    markdown.render(document)                        -> text
    markdown.patch(readme, block)                    -> text

All are pure: they read and write nothing.  Each raises ValueError for a
page that is not whole (`document.problems`); untrusted text is no fault of a page.
"""
